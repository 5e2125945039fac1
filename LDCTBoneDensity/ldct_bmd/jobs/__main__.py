"""``python -m ldct_bmd.jobs FOLDER [--language L] [--face F]``."""

import argparse
import sys
from pathlib import Path

from ..words import speak
from .runner import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m ldct_bmd.jobs")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--language", help="of its sentences, and of what it writes")
    parser.add_argument("--face", help="whose words they are: of the panel, say")
    arguments = parser.parse_args()
    speak(arguments.language, arguments.face)
    sys.exit(main(arguments.folder))
