"""The review in a browser: a server on this machine, and one page."""

__version__ = "0.1.0"  # that of ldct_bmd; tested
