"""Where things lie, for tests in any folder."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULE = ROOT / "LDCTBoneDensity"  # what Slicer installs; holds the engine
LAB = ROOT / "Lab"
WEB = ROOT / "Web"
STANDIN = ROOT / "Standin"  # what the panel's tests run in
DOCS = ROOT / "docs"
HELPERS = ROOT / "Testing" / "helpers"
DATA = ROOT.parent / "shared" / "data"  # real scans and atlases, which are not part of the project
