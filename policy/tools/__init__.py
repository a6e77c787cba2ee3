"""The tools that ship with M1, one file each. Only the executor and its child processes import them."""
