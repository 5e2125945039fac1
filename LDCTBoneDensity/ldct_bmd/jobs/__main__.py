"""``python -m ldct_bmd.jobs FOLDER [--language L] [--face F] [--end-with-input]``."""

import argparse
import gc
import sys
from pathlib import Path

from .lifeline import INTERRUPTED, end_with_input


def _main() -> int:
    parser = argparse.ArgumentParser("python -m ldct_bmd.jobs")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--language")
    parser.add_argument("--face")
    parser.add_argument("--end-with-input", action="store_true", help="stop when standard input closes")
    arguments = parser.parse_args()
    try:
        if arguments.end_with_input:
            end_with_input()
        from ..words import speak
        from .runner import main

        speak(arguments.language, arguments.face)
        return main(arguments.folder)
    except KeyboardInterrupt:
        return INTERRUPTED
    finally:
        gc.freeze()  # as the command line has it: what ends need not look through what it holds


if __name__ == "__main__":
    sys.exit(_main())
