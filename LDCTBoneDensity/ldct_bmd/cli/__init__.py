"""The command line: ``ldct-bmd measure``, ``series``, ``phantom`` and ``demo``."""

from .app import app, main

__all__ = ["app", "main"]
