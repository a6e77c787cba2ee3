"""The dossier of a tool call, for somebody outside M1."""
