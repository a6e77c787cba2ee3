"""Measurements of M1's speed, on this machine, beside peers that do the same work in the same run."""
