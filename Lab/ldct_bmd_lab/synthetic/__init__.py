"""Synthetic scans that no network was trained on: held-out ones, ones taken in other ways, ones without a spine."""
