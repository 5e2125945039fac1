"""Validation: scans of known truth and the statistics of agreement."""
