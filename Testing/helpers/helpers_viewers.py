"""Other software that reads DICOM objects: OHIF's code in Node, and dcmqi, with which Slicer reads reports."""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

OHIF = Path(__file__).parent / "ohif"
INSTALL_S = 400


@cache
def ohif_modules() -> Path:
    """The npm packages that OHIF reads with, installed once a machine; skips where they can't be had."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("Node and npm are not installed (Debian: apt-get install nodejs npm)")
    wanted = (OHIF / "package.json").read_bytes()
    user = os.getuid() if hasattr(os, "getuid") else "user"
    place = Path(tempfile.gettempdir()) / f"ldct-bmd-ohif-{user}-{hashlib.sha256(wanted).hexdigest()[:12]}"
    if not (place / "whole").is_file():
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(mode=0o700)
        (place / "package.json").write_bytes(wanted)
        command = ["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps"]
        try:
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, timeout=INSTALL_S, check=False)
        except subprocess.TimeoutExpired:
            pytest.skip(f"npm could not install OHIF's packages within {INSTALL_S} s")
        if done.returncode != 0:
            pytest.skip(f"npm could not install OHIF's packages (exit {done.returncode})")
        (place / "whole").touch()
    return place


def read_by_ohif(ct_folder: Path, sr: Path, *segmentations: Path) -> dict[str, Any]:
    """What OHIF makes of a report and of segmentations of the images in ``ct_folder``."""
    files = [str(path) for path in (ohif_modules(), ct_folder, sr, *segmentations)]
    done = subprocess.run(
        ["node", str(OHIF / "read.mjs"), *files], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stderr
    read: dict[str, Any] = json.loads(done.stdout)
    return read


def dcmqi(command: str, *arguments: str) -> None:
    """Run a program of dcmqi; skips where it is not installed."""
    found = shutil.which(command, path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if found is None:
        pytest.skip("dcmqi is not installed (pip install dcmqi)")
    done = subprocess.run([found, *arguments], capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
