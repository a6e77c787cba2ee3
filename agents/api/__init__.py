"""REST for runs, tool calls and halts: it translates and calls; what may be done, the functions decide."""
