"""Staged sets of proposals for training: honest ones and deceptive ones, played at a terminal, executed by nobody."""
