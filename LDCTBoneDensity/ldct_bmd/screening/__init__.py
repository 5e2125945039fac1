"""Screening programmes: many scans, measured once each by many processes, and what became of them."""
