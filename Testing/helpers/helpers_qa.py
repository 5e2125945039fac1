"""Phantom scans of known calibration, drawn at random, and calibrations of a scanner that never was."""

from dataclasses import replace

import numpy as np

from ldct_bmd.calibration import Calibration, FitQuality, Method, Provenance, Scanner
from ldct_bmd.calibration.match import ScanConditions
from ldct_bmd.calibration.phantom.description import load_phantom
from ldct_bmd_lab.phantom.qa import QAPhantomSpec

PAD = load_phantom("k2hpo4-pad-example")
SOLID = load_phantom("hydroxyapatite-example")
TILTED = {"rotation_deg": (8.0, -6.0, 7.0), "shift_mm": (5.0, 5.0, 0.0)}
UNDER_A_PATIENT = {
    "patient": True,
    "size": (240, 200, 32),
    "shift_mm": (4.0, 100.0, 0.0),
    "rotation_deg": (5.0, -4.0, 6.0),
}
SCANNER = Scanner("ACME", "CT 1", "CT-ROOM-2", "4711")
SCAN = ScanConditions(SCANNER, 120.0, None, "B30f", "20240520")


def random_spec(number: int, phantom=PAD, **changes) -> QAPhantomSpec:
    """A scan shifted by up to 15 mm and tilted by up to 15 degrees about each axis, at 30 HU noise."""
    rng = np.random.default_rng([number, 5])
    spec = QAPhantomSpec(
        phantom,
        slope=float(rng.uniform(0.65, 0.85)),
        intercept_mg_cm3=float(rng.uniform(-8.0, 8.0)),
        rotation_deg=tuple(rng.uniform(-15.0, 15.0, 3).tolist()),
        shift_mm=tuple(rng.uniform(-15.0, 15.0, 3).tolist()),
        turned=bool(rng.integers(2)),
        noise_hu=30.0,
        seed=number,
    )
    return replace(spec, **changes)


def site_calibration(day="2024-05-06", slope=0.74, intercept=1.0, kvp=120.0, **provenance) -> Calibration:
    """A phantom's calibration of ``SCANNER``."""
    origin = Provenance(Method.PHANTOM, SCANNER, None, "smooth", day, None, "A. Physicist", "Pad 7")
    return Calibration(
        f"Pad 7, {day}",
        slope,
        intercept,
        "K2HPO4",
        kvp,
        False,
        "made up",
        replace(origin, **provenance),
        FitQuality(0.002, 0.4, -0.0005, 1.0, 0.9999, 5),
    )
