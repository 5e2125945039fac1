"""``python -m ldct_bmd.jobs FOLDER``."""

import argparse
import sys
from pathlib import Path

from .runner import main

if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m ldct_bmd.jobs")
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    sys.exit(main(parser.parse_args().folder))
