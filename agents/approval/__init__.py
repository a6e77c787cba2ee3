"""Who may decide about a call, what they decided, and when that is enough."""
