"""``python -m ldct_bmd_web`` is ``ldct-bmd review``."""

import typer

import ldct_bmd.cli  # noqa: F401 (loads the commands of all distributions, this one's too: it comes first)

from .command import review

if __name__ == "__main__":
    typer.run(review)
