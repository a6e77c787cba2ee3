"""An approved call from its message to its one result."""
