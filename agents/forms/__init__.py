"""What people fill in. Forms check shape; whether a thing may be done is for the function that does it."""
