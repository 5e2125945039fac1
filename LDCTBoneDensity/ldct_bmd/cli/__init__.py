"""The command line, ``ldct-bmd``."""

from .app import app, main

__all__ = ["app", "main"]
