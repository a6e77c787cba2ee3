"""REST for policy: the rules in force and their versions, the draft, and the ledger of tokens."""
