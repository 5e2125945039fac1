"""Training of the networks: synthetic scans, the loop, and its configurations."""
