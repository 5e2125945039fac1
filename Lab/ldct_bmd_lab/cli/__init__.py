"""The commands that the lab adds to ``ldct-bmd``."""
