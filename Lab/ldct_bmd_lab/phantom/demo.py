"""The phantom that the command line makes, and its truth."""

import json
from collections.abc import Iterable
from pathlib import Path

from ldct_bmd.calibration.phantom.description import PhantomDescription
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.reporting.files import write_folder
from ldct_bmd.scan import Acquisition

from . import Phantom, PhantomSpec, build_phantom, write_dicom, write_label_map
from .build import MANUFACTURER, MODEL, SERIAL
from .files import write_series
from .qa import QAPhantomSpec, build_qa_scan

TRUTH_SCHEMA = "ldct-bmd-phantom-truth/1"
# An older adult with low bone mass and a slight curve, scanned at low dose.
DEMO_SPEC = PhantomSpec(
    bmd_mg_cm3={"T10": 118.0, "T11": 115.0, "T12": 112.0, "L1": 104.0, "L2": 99.0, "L3": 97.0},
    default_bmd_mg_cm3=122.0,
    scoliosis_deg=6.0,
    top_margin_mm=32.0,  # C7 whole, so that the first rib is seen to be the first
)


def truth(phantom: Phantom, levels: Iterable[str]) -> dict[str, tuple[float, float]]:
    """Return (mean HU, BMD in mg/cm3) over the ideal VOI of each level, from the phantom's own description."""
    vois = {level: phantom.ideal_voi(level) for level in levels}
    return {level: (phantom.mean_hu_truth(voi), phantom.mean_bmd_truth(voi)) for level, voi in vois.items()}


def write_phantom(folder: Path, spec: PhantomSpec, progress: Progress = silent) -> None:
    """Write a phantom's slices, its vertebral bodies and its truth to a new folder; UsageError if that can't be."""

    def fill(partial: Path) -> None:
        phantom = build_phantom(spec, progress)
        write_dicom(phantom, partial / "dicom")
        write_label_map(phantom, partial / "vertebral_bodies.nii.gz")
        record = {
            "schema": TRUTH_SCHEMA,
            "slope": spec.slope,
            "intercept_mg_cm3": spec.intercept_mg_cm3,
            "kvp": spec.kvp,
            "levels": {
                level: {"mean_hu": hu, "bmd_mg_cm3": bmd} for level, (hu, bmd) in truth(phantom, phantom.levels).items()
            },
        }
        (partial / "truth.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")

    write_folder(folder, overwrite=False, fill=fill)


def write_pad(folder: Path, pad: PhantomDescription) -> None:
    """Write the slices of a calibration phantom, scanned a fortnight before the demo's torso on its scanner."""
    spec = QAPhantomSpec(
        pad,
        DEMO_SPEC.slope,
        DEMO_SPEC.intercept_mg_cm3,
        rotation_deg=(2.0, -1.0, 3.0),
        acquisition=Acquisition(
            kvp=DEMO_SPEC.kvp,
            tube_current_ma=60.0,
            exposure_mas=30.0,
            kernel="STANDARD",
            slice_thickness_mm=4.0,
            manufacturer=MANUFACTURER,
            model=MODEL,
            device_serial=SERIAL,
            series_description="SIMULATED CALIBRATION PHANTOM",
            study_date="20191218",
            acquisition_date="20191218",
        ),
    )

    def fill(partial: Path) -> None:
        scan = build_qa_scan(spec)
        write_series(scan, scan.hu, repr(spec), partial / "dicom")

    write_folder(folder, overwrite=False, fill=fill)
