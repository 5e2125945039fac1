"""Pictures of the panel with its views, on phantoms: measured, corrected, excluded, an error, and a calibration.

    python Testing/panel/screenshots.py OUT

The phantom's true vertebral bodies stand in for the network's, so that the pictures are the same whatever the weights.
"""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SIZE = (1500, 950)
SPEC = {
    "bmd_mg_cm3": {"T10": 118.0, "T11": 115.0, "T12": 112.0, "L1": 104.0, "L2": 99.0, "L3": 97.0},
    "matrix": (256, 256),
    "position_mm": (0.0, -20.0, 0.0),
    "spacing_mm": (0.8, 0.8, 1.0),
    "top_level": "T10",
    "bottom_level": "L3",
}
VIEW_MM = 130.0


def main(folder: Path) -> None:
    """Make the pictures in ``folder``."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.path[:0] = [
        str(ROOT / name) for name in ("Standin", "Testing/panel", "Testing/helpers", "LDCTBoneDensity", "Lab")
    ]
    import slicer_standin
    from slicer_standin.application.modules import load_scripted_module
    from slicer_standin.pythonqt.dialogs import answer_automatically

    slicer_standin.start()
    answer_automatically()
    import slicer

    load_scripted_module(ROOT / "LDCTBoneDensity" / "LDCTBoneDensity.py")
    slicer.util.selectModule("LDCTBoneDensity")
    window = slicer.util.mainWindow()
    window.resize(*SIZE)
    window.show()
    folder = folder.absolute()
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        _pictures(folder, Path(scratch))
        _calibrations(folder, Path(scratch))


def _pictures(folder: Path, scratch: Path) -> None:
    import slicer
    from helpers_segments import true_bodies
    from panel_fixtures import Database, Hands, PhantomFiles, load_dicom

    from ldct_bmd_lab.phantom import PhantomSpec, build_phantom, write_dicom, write_label_map
    from slicer_standin.pythonqt.dialogs import answering

    phantom = build_phantom(PhantomSpec(**SPEC))  # type: ignore[arg-type]
    dicom = tuple(write_dicom(phantom, scratch / "dicom"))
    files = PhantomFiles(dicom, write_label_map(phantom, scratch / "bodies.nii.gz"), phantom.bodies)
    database = Database()
    slicer.dicomDatabase = database
    volume = load_dicom(dicom, database, "Phantom")
    hands = Hands()
    hands.ui.readerEdit.setText("Dr. Reader")
    hands.choose(volume, true_bodies(volume, files))
    hands.panel.measure()
    hands.finish_run()
    slicer.util.resetThreeDViews()
    _zoom()
    hands.table.select("L1")
    _grab(hands, folder / "panel-measured.png")
    roi = hands.review.markups.roi("L1")
    x, y, z = roi.GetCenterWorld()
    roi.SetCenterWorld(x + 4.0, y - 2.0, z + 1.0)
    hands.panel.review.commit()
    _grab(hands, folder / "panel-corrected.png")
    hands.panel.sections.vertebrae.actions.exclude("fracture")
    hands.ui.densityCheckBox.setChecked(True)
    _grab(hands, folder / "panel-excluded.png")
    hands.ui.densityCheckBox.setChecked(False)
    hands.ui.reportSection.collapsed = False
    hands.wait(0.5)
    hands.ui.reportSection.grab().save(str(folder / "panel-report.png"))
    hands.ui.reportSection.collapsed = True
    hands.panel.parameters.sourceSegmentation = None
    broken = scratch / "weights.safetensors"
    broken.write_bytes(b"no weights")
    hands.ui.weightsPath.currentPath = str(broken)
    with answering("Yes"):  # the review so far is set aside
        hands.panel.measure()
    hands.finish_run()
    _grab(hands, folder / "panel-error.png")


def _calibrations(folder: Path, scratch: Path) -> None:
    """A pad's rods in the views, and a year of a scanner's calibrations."""
    import calibration_fixtures as pad
    import slicer
    from panel_fixtures import Hands, load_dicom

    from ldct_bmd.calibration.store import CalibrationStore

    slicer.mrmlScene.Clear(False)
    scan = pad.build_qa_scan(pad.SPEC)
    image = pad.as_image(scan.hu, scan.geometry.spacing_mm, scan.geometry.origin_lps_mm)
    files = tuple(sorted(pad.save(pad.datasets(image, **pad.HEADER), scratch / "pad").iterdir()))
    (scratch / "pad7.json").write_text(pad.description_text(pad.OWN), encoding="utf-8")
    volume = load_dicom(files, slicer.dicomDatabase, "Pad 7, December")
    hands = Hands()
    hands.ui.calibrationSection.collapsed = False
    os.chdir(scratch)  # short paths in the pictures
    dialog = pad.Dialog(hands, Path("site.calibrations"))
    dialog.ui.phantomPath.setCurrentPath("pad7.json")
    dialog.find(volume)
    slicer.util.resetThreeDViews()
    _grab(hands, folder / "calibration-rods.png")
    _save(hands, dialog.dialog.window, folder / "calibration-phantom.png")
    days, slopes = range(-330, 0, 30), [0.740 + 0.002 * (k % 3) for k in range(10)]
    like = dialog.phantom._phantomScan.scan.acquisition
    made = pad.site_calibrations(like, days, slopes=[*slopes, 0.775])
    CalibrationStore(dialog.path).add(made, "2019-12-22T10:00:00Z", "A. Physicist")
    dialog.dialog.refresh()
    dialog.ui.tabs.setCurrentIndex(2)
    _save(hands, dialog.dialog.window, folder / "calibration-drift.png")
    dialog.dialog.close()
    os.chdir(ROOT)


def _zoom() -> None:
    import slicer

    manager = slicer.app.layoutManager()
    for name in manager.sliceViewNames():
        node = manager.sliceWidget(name).mrmlSliceNode()
        width, height, depth = node.GetFieldOfView()
        node.SetFieldOfView(VIEW_MM * width / height, VIEW_MM, depth)


def _grab(hands: Any, path: Path) -> None:
    import slicer

    _save(hands, slicer.util.mainWindow(), path)


def _save(hands: Any, window: Any, path: Path) -> None:
    hands.wait(2.0)
    window.grab().save(str(path))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
