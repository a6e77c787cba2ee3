"""Telling people outside M1: rows become messages, messages go to addresses, and what fails is seen."""
