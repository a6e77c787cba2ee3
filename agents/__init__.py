"""Agents act: runs, tool calls, decisions, planners and execution."""
