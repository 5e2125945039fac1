"""Pictures of the panel with its views at 1366 x 768 and 1920 x 1080: on phantoms, and on a scan of your own.

    python Testing/panel/screenshots.py OUT [--language zh] [--only panel|findings] [--scan SCAN [--labels FILE]]

The phantom's true vertebral bodies stand in for the network's, so that the pictures are the same whatever the weights:
measured, corrected, excluded, an error, a calibration, and the commonest findings (uncertain names are the network's).
A scan, a DICOM folder or a volume file, is measured by the network, or with the vertebral bodies of FILE, a label map
in VerSe's values. Pictures of patients stay outside the project, whatever the licence of the scan: OUT must not lie in
it then.
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
SIZES = {"": (1366, 768), "-1920": (1920, 1080)}  # by what is added to a picture's name
_LANGUAGE: list[str] = []  # what it adds to a picture's name
SPEC = {
    "bmd_mg_cm3": {"T10": 118.0, "T11": 115.0, "T12": 112.0, "L1": 104.0, "L2": 99.0, "L3": 97.0},
    "matrix": (256, 256),
    "position_mm": (0.0, -20.0, 0.0),
    "spacing_mm": (0.8, 0.8, 1.0),
    "top_level": "T10",
    "bottom_level": "L3",
}


def main() -> None:
    """Make the pictures."""
    parser = argparse.ArgumentParser()
    parser.add_argument("out", type=Path)
    parser.add_argument("--language", choices=["en", "zh"], default="en", help="zh adds -zh to the names")
    parser.add_argument("--only", choices=["panel", "findings"], help="leave the other pictures out")
    parser.add_argument("--scan", type=Path)
    parser.add_argument("--labels", type=Path)
    given = parser.parse_args()
    folder = given.out.absolute()
    if given.scan is not None and folder.resolve().is_relative_to(ROOT):
        parser.error("pictures of patients stay outside the project: name another folder")
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

    if given.language == "zh":
        _LANGUAGE.append("-zh")
        slicer.app.settings().setValue("Internationalization/Enabled", "true")
        slicer.app.settings().setValue("language", "zh_CN")
    load_scripted_module(ROOT / "LDCTBoneDensity" / "LDCTBoneDensity.py")
    slicer.util.selectModule("LDCTBoneDensity")
    slicer.util.mainWindow().show()
    folder.mkdir(parents=True, exist_ok=True)
    if given.scan is not None:
        _of_scan(folder, given.scan.absolute(), given.labels)
        return
    import screenshots_findings

    with tempfile.TemporaryDirectory() as scratch:
        # First: the others leave weights and a store in the settings.
        if given.only != "panel":
            screenshots_findings.make(folder, Path(scratch), SPEC, _grab)
        if given.only != "findings":
            _pictures(folder, Path(scratch))
        if given.only is None:
            _calibrations(folder, Path(scratch))


def _of_scan(folder: Path, scan: Path, labels: Path | None) -> None:
    """A scan measured, each of its levels selected, and a suspected fracture or a moved VOI."""
    import slicer
    from panel_fixtures import Database, Hands, load_dicom
    from test_real_scan import segments_of

    slicer.dicomDatabase = Database()
    if scan.is_dir():
        volume = load_dicom(_series(scan), slicer.dicomDatabase, scan.name)
    else:
        volume = slicer.util.loadVolume(str(scan))
    hands = Hands()
    hands.ui.readerEdit.setText("Dr. Reader")
    hands.choose(volume, None if labels is None else segments_of(labels))
    _grab(hands, folder / "scan-loaded.png")
    hands.panel.measure()
    hands.finish_run()
    for level in hands.table.levels():
        if hands.examination.measurement(level) is not None:
            hands.table.select(level)
            _grab(hands, folder / f"scan-{level}.png")
    roi = hands.review.markups.roi(hands.table.level() or "L1")
    if roi is not None:
        x, y, z = roi.GetCenterWorld()
        roi.SetCenterWorld(x + 5.0, y - 2.0, z)
        hands.panel.commit()
        _grab(hands, folder / "scan-corrected.png")


def _series(folder: Path) -> tuple[Path, ...]:
    """The slices of the series that the engine would measure, as Slicer's DICOM browser would load them."""
    from ldct_bmd.scan import read_scan

    uids = set(read_scan(folder).source.sop_instance_uids)
    import pydicom

    found = {path: pydicom.dcmread(path, stop_before_pixels=True) for path in sorted(folder.rglob("*.dcm"))}
    wanted = [path for path, header in found.items() if str(header.SOPInstanceUID) in uids]
    return tuple(sorted(wanted, key=lambda path: float(found[path].ImagePositionPatient[2])))


def _pictures(folder: Path, scratch: Path) -> None:
    import slicer
    from helpers_segments import true_bodies
    from panel_fixtures import Database, Hands, PhantomFiles, load_dicom

    from ldct_bmd_lab.phantom import PhantomSpec, build_phantom, write_dicom, write_label_map
    from slicer_standin.pythonqt.dialogs import answering

    slicer.mrmlScene.Clear(False)
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
    _save(hands, hands.ui.reportSection, folder / "panel-report.png")
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


def _grab(hands: Any, path: Path) -> None:
    """The main window at each size, with the views as the panel frames them."""
    import slicer

    window = slicer.util.mainWindow()
    for suffix, size in SIZES.items():
        window.resize(*size)
        hands.wait(0.5)
        if hands.review is not None:
            hands.panel.sections.vertebrae.views.frame()
        _save(hands, window, path.with_stem(f"{path.stem}{suffix}"))


def _save(hands: Any, window: Any, path: Path) -> None:
    hands.wait(2.0)
    path = path.with_stem("".join([path.stem, *_LANGUAGE]))
    window.grab().save(str(path))
    sys.stdout.write(f"{path}\n")


if __name__ == "__main__":
    main()
