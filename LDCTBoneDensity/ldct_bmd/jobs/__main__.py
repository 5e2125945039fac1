"""``python -m ldct_bmd.jobs FOLDER [--language L] [--face F]``."""

import argparse
import sys
from pathlib import Path

from ..words import speak
from .runner import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m ldct_bmd.jobs")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--language")
    parser.add_argument("--face")
    arguments = parser.parse_args()
    speak(arguments.language, arguments.face)
    sys.exit(main(arguments.folder))
