"""The sandbox: a tool in a process of its own. `running` is its door; nanny, child and kin are on the tool's side."""
