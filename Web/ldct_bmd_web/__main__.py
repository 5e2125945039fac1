"""``python -m ldct_bmd_web`` is ``ldct-bmd review``."""

import typer

from .command import review

if __name__ == "__main__":
    typer.run(review)
