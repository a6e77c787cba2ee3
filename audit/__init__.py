"""What M1 remembers: canonical form and digests, one clock, and the trail of events that nobody can rewrite."""
