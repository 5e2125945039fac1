"""A normal case from loaded to signed in a real window, by the X server's mouse or keyboard alone; prints what it took.

    python Testing/panel/normal_case.py mouse|keys FOLDER

Needs an X display. The phantom's true vertebral bodies stand in for the network's. A normal case is one with nothing to
correct: T12, L1 and L2 are looked at, each in its turn, and the review is signed.
"""

import json
import sys
from pathlib import Path
from typing import Any

from panel_fixtures import SPEC, Database, Hands, PhantomFiles, load_dicom

from ldct_bmd_lab.phantom import build_phantom, write_dicom, write_label_map
from slicer_standin import mouse

SIZE = (1366, 768)


class Reader(Hands):
    """Hands that count what they do."""

    def __init__(self) -> None:
        super().__init__()
        self.clicks = self.keys = 0
        self.seen: list[str | None] = []

    def press_mouse(self, widget: Any, x: float | None = None, y: float | None = None) -> None:
        """Click the middle of a widget, or a pixel of it."""
        from PySide6.QtCore import QPoint

        self.clicks += 1
        at = (widget.width / 2 if x is None else x, widget.height / 2 if y is None else y)
        assert widget.visibleRegion().contains(QPoint(*map(round, at))), f"{widget.objectName} is out of sight"
        mouse.real_click(widget, *at)

    def press_key(self, keys: str) -> None:
        """Press one key, with what is held down."""
        self.keys += 1
        mouse.real_key(keys)

    def look(self) -> None:
        """Take note of the level that the views show."""
        self.seen.append(self.table.level())


def by_mouse(reader: Reader, volume: Any, bodies: Any) -> Any:
    """Measure, look at the two other levels, go to the report, sign, without a turn of the wheel; the record."""
    reader.choose(volume, bodies)
    reader.wait(0.5)
    reader.press_mouse(reader.ui.measureButton)
    reader.wait_until(lambda: reader.review is not None)
    reader.finish_run()
    reader.wait(0.5)
    reader.look()
    tree = reader.ui.vertebraTree
    for level in [level for level in ("T12", "L1", "L2") if level != reader.table.level()]:
        place = tree.visualItemRect(reader.table._rows[level]).center()
        reader.press_mouse(tree.viewport(), place.x(), place.y())
        reader.look()
    reader.press_mouse(reader.ui.toReportButton)
    reader.wait(0.5)
    reader.press_mouse(reader.ui.signButton)
    return reader.examination


def by_keys(reader: Reader, folder: Path) -> Any:
    """Open the next case of a worklist, look at the two other levels, sign; the record that was written."""
    import slicer

    from ldct_bmd.examination import Examination
    from ldct_bmd.ground.progress import silent
    from ldct_bmd.jobs.measuring import measure_as
    from ldct_bmd.jobs.spec import InputScan, LabelMap, MeasureSpec, ResultFolder
    from ldct_bmd.worklist import ordered, row_of, write_worklist

    slicer.mrmlScene.Clear(False)
    result, scan = folder / "result", str(folder / "dicom")
    labels = LabelMap("verse", "body", str(folder / "bodies.nii.gz"))
    measure_as(MeasureSpec(InputScan(scan), labels, result=ResultFolder(str(result))), silent)
    record = Examination.from_json((result / "measurement.json").read_text(encoding="utf-8"))
    write_worklist(ordered([row_of(record, "result", scan)]), folder / "worklist.json")
    reader.ui.worklistPath.setCurrentPath(str(folder / "worklist.json"))
    reader.wait(0.5)
    reader.press_key("ctrl+alt+n")
    reader.wait_until(lambda: reader.review is not None)
    reader.look()
    for _ in range(2):
        reader.press_key("Down")
        reader.look()
    reader.press_key("ctrl+alt+s")
    reader.finish_run()
    return Examination.from_json((result / "measurement.json").read_text(encoding="utf-8"))


def main(way: str, folder: Path) -> None:
    """Build the case, read it, print clicks, keys, levels that were looked at and the reader who signed."""
    import slicer
    from helpers_segments import true_bodies

    import slicer_standin
    from places import MODULE
    from slicer_standin.application.modules import load_scripted_module

    phantom = build_phantom(SPEC)
    dicom = tuple(write_dicom(phantom, folder / "dicom"))
    files = PhantomFiles(dicom, write_label_map(phantom, folder / "bodies.nii.gz"), phantom.bodies)
    slicer_standin.start()
    load_scripted_module(MODULE / "LDCTBoneDensity.py")
    slicer.util.selectModule("LDCTBoneDensity")
    window = slicer.util.mainWindow()
    window.move(0, 0)
    window.resize(*SIZE)
    window.show()
    window.activateWindow()
    slicer.dicomDatabase = Database()
    volume = load_dicom(files.dicom, slicer.dicomDatabase, "CT")
    reader = Reader()
    reader.ui.readerEdit.setText("Dr. Reader")
    reader.wait(2.0)
    record = by_mouse(reader, volume, true_bodies(volume, files)) if way == "mouse" else by_keys(reader, folder)
    window.grab().save(str(folder / "end.png"))
    told = {
        "clicks": reader.clicks,
        "keys": reader.keys,
        "seen": reader.seen,
        "reader": None if record.signature is None else record.signature.reader,
        "message": reader.message,
    }
    sys.stdout.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
