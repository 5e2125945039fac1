"""Opens a module's panel with a scan in a window: `python -m slicer_standin SCAN`; a picture with `--screenshot FILE`.

SCAN is a DICOM folder or a file that Slicer reads as a volume. A preview for developers, not for reading scans.
"""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path
from typing import Any

_MODULE = Path(__file__).parents[2] / "LDCTBoneDensity" / "LDCTBoneDensity.py"


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m slicer_standin", description="A module of this project without 3D Slicer."
    )
    parser.add_argument("scan", nargs="?", type=Path, help="a DICOM folder, or a NIfTI, NRRD or MHA file")
    parser.add_argument("--segmentation", type=Path, help="a .seg.nrrd file to load too")
    parser.add_argument("--module", type=Path, default=_MODULE, help="the module's Python file")
    parser.add_argument("--click", action="append", default=[], metavar="NAME", help="click this widget of the panel")
    parser.add_argument("--wait", type=float, default=2.0, metavar="S", help="seconds before the picture is taken")
    parser.add_argument(
        "--screenshot", type=Path, metavar="FILE", help="write a picture (.png) and quit; needs no display"
    )
    parser.add_argument("--size", default="1400x900", help="of the window, in pixels")
    return parser.parse_args()


def _load(scan: Path) -> Any:
    import slicer

    from slicer_standin.application.dicom import load_dicom

    if scan.is_dir():
        return load_dicom(scan)
    if not scan.is_file():
        raise SystemExit(f"{scan}: no such file or folder.")
    return slicer.util.loadVolume(scan)


def _click(name: str) -> None:
    import slicer

    from slicer_standin.mouse import click

    click(slicer.util.findChild(slicer.util.mainWindow(), name))


def main() -> int:
    """Returns the exit status."""
    arguments = _arguments()
    if arguments.screenshot:
        os.environ["QT_QPA_PLATFORM"] = "offscreen"
    elif sys.platform == "linux" and not (os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY")):
        raise SystemExit("There is no display: give --screenshot FILE for a picture.")
    os.environ.setdefault("MPLBACKEND", "Agg")  # else matplotlib takes the running application
    import slicer_standin

    app = slicer_standin.start()
    import slicer

    from slicer_standin.application.modules import load_scripted_module
    from slicer_standin.mouse import process_events

    load_scripted_module(arguments.module)
    app.startupCompleted.emit()
    window = slicer.util.mainWindow()
    window.resize(*map(int, arguments.size.split("x")))
    window.show()
    if arguments.scan:
        _load(arguments.scan)
    if arguments.segmentation:
        slicer.util.loadSegmentation(arguments.segmentation)
    slicer.util.selectModule(arguments.module.stem)
    process_events(0.5)
    app.layoutManager().resetSliceViews()
    app.layoutManager().resetThreeDViews()
    for name in arguments.click:
        _click(name)
    if not arguments.screenshot:
        return app.exec()
    process_events(arguments.wait)
    slicer.util.forceRenderAllViews()
    process_events(0.2)
    return 0 if window.grab().save(str(arguments.screenshot)) else 1


if __name__ == "__main__":
    sys.exit(main())
