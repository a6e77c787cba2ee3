"""Rules made ready: all rules for a tool are judged together, as bits of one integer.

`policy.py` finds the rules of a tool, `table.py` holds them as bits, `column.py` judges one argument for all of them,
`finders.py` are the ways to judge a value against many conditions at once, `rows.py` takes a condition apart.
"""
