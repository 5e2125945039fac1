"""The engine in a process of its own: measures, exports, or finds a phantom in what the panel laid into a folder.

    python EngineJob.py FOLDER

FOLDER holds ``job.json`` and arrays as ``.npy``, all on the engine's grid; the result goes beside them. Standard output
has one JSON object a line: ``{"stage", "fraction"}``, and at the end ``{"done"}`` or ``{"failed"}`` with a sentence.
"""

import json
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import numpy as np

from ldct_bmd.calibration import Calibration
from ldct_bmd.ground.errors import CannotMeasure, UsageError
from ldct_bmd.ground.plain import from_plain, to_plain
from ldct_bmd.ground.progress import Progress
from ldct_bmd.scan import CTScan, Geometry
from LDCTBoneDensityLib.work.Destination import BODIES, JOB, LABELS, RESULT, VOXELS


def main(folder: Path) -> int:
    """Do the job in ``folder``; returns the exit status: 0 done, 3 refused with a sentence, 1 a defect."""
    try:
        job = load(folder)
        _work(job["kind"])(folder, job, _report)
    except (CannotMeasure, UsageError) as error:
        _say({"failed": str(error)})
        return 3
    except MemoryError:
        _say({"failed": "There is not enough memory for this scan: close other programs, or crop it to the spine."})
        return 3
    except Exception as error:  # noqa: BLE001 (the last place where a defect can be told)
        traceback.print_exc()
        _say({"failed": f"The engine failed: {type(error).__name__}: {error}", "defect": True})
        return 1
    _say({"done": True})
    return 0


def _work(kind: str) -> Callable[[Path, dict[str, Any], Progress], None]:
    if kind != "export":
        return {"measure": measureJob, "phantom": phantomJob}[kind]
    # Relative imports do not reach a script; both names lead to the same file.
    from LDCTBoneDensityLib.work.EngineExport import exportJob

    return exportJob


def load(folder: Path) -> dict[str, Any]:
    """Return the job that was laid into ``folder``."""
    return json.loads((folder / JOB).read_text(encoding="utf-8"))


def measureJob(folder: Path, job: dict[str, Any], progress: Progress) -> None:
    """Measure the volume; writes the record, what the scan is, and the vertebral bodies."""
    from ldct_bmd.ground.clock import now
    from ldct_bmd.pipeline import measure

    segmenter = _segmenter(folder, job)  # before the scan is read: a wrong weights file is told at once
    start = time.perf_counter()
    scan, air, remark = _scan(folder, job, progress)
    calibration, choice = _calibration(job, scan)
    levels = tuple(job["levels"])
    measured = measure(
        scan, segmenter, calibration, levels, progress, time.perf_counter() - start, calibration_choice=choice
    )
    examination = replace(measured.examination, measured_at=now())
    np.save(folder / BODIES, measured.column.bodies)
    result = {
        "record": examination.to_dict(),
        "stored": to_plain(scan.stored_geometry),
        "air": air,
        "remark": remark,
    }
    (folder / RESULT).write_text(json.dumps(result), encoding="utf-8")


def phantomJob(folder: Path, job: dict[str, Any], progress: Progress) -> None:
    """Find the phantom in the volume; writes its rods, or why they were not found, and what the scan is."""
    from ldct_bmd.calibration.phantom.description import PhantomDescription
    from ldct_bmd.calibration.phantom.find import find_phantom

    scan, air, remark = _scan(folder, job, progress, ofPatient=False)
    measured, refused = None, ""
    if job["search"]:
        try:
            measured = find_phantom(scan, from_plain(PhantomDescription, job["phantom"]), progress)
        except CannotMeasure as error:
            refused = str(error)
    result = {
        "measured": to_plain(measured),
        "refused": refused,
        "scan": to_plain(scan.description),
        "air": air,
        "remark": remark,
    }
    (folder / RESULT).write_text(json.dumps(result), encoding="utf-8")


def _scan(
    folder: Path, job: dict[str, Any], progress: Progress, ofPatient: bool = True
) -> tuple[CTScan, list[float] | None, str]:
    # Relative imports do not reach a script; both names lead to the same file.
    from LDCTBoneDensityLib.work.ScanSource import ScanSource

    stored, geometry = (from_plain(Geometry, job[name]) for name in ("stored", "geometry"))
    return ScanSource(stored, geometry, np.load(folder / VOXELS, mmap_mode="r")).scan(
        job["fileKind"], [Path(path) for path in job["files"]], progress, ofPatient
    )


def _calibration(job: dict[str, Any], scan: CTScan) -> tuple[Calibration, Any]:
    """Return the calibration and, where a store's was chosen, why."""
    if not job["calibrationStore"]:
        return from_plain(Calibration, job["calibration"]), None
    from ldct_bmd.calibration.choose import choose_calibration
    from ldct_bmd.calibration.store import CalibrationStore
    from ldct_bmd.examination.conclude import conditions

    stored = CalibrationStore(Path(job["calibrationStore"])).all()
    return choose_calibration(stored, conditions(scan.acquisition), job["laterCalibration"])


def _segmenter(folder: Path, job: dict[str, Any]) -> Any:
    if job["parts"] is None:
        from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter

        weights = Path(job["weights"]) if job["weights"] else None
        return NetworkSegmenter(device=job["device"], weights=weights)
    import SimpleITK as sitk

    from ldct_bmd.segmentation.label_map import LabelMapSegmenter

    geometry = from_plain(Geometry, job["geometry"])
    image = sitk.GetImageFromArray(np.load(folder / LABELS))
    image.SetSpacing(geometry.spacing_mm)
    image.SetOrigin(geometry.origin_lps_mm)
    image.SetDirection([value for row in geometry.direction for value in row])
    path = folder / "segmentation.nrrd"
    sitk.WriteImage(image, str(path))
    return LabelMapSegmenter(path, values="verse", parts=job["parts"])


_last = ("", -1)


def _report(stage: str, fraction: float) -> None:
    """Say how far the work is, at most once a percent."""
    global _last
    now = (stage, int(100 * fraction))
    if now != _last:
        _last = now
        _say({"stage": stage, "fraction": fraction})


def _say(message: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(message) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
