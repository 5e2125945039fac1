"""``python -m ldct_bmd.jobs FOLDER``."""

import sys
from pathlib import Path

from .runner import main

if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
