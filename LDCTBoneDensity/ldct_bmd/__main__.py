"""``python -m ldct_bmd`` is the command ``ldct-bmd``."""

from .cli import main

main()
