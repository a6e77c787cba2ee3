"""Planners turn a conversation into the next turn of an agent. They propose; they never execute."""
