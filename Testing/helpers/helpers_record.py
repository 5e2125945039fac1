"""A small scan with a column of ideal bodies, and its record, for the tests of what follows from a measurement."""

from dataclasses import replace

import numpy as np

from ldct_bmd.calibration import Calibration, Method, Provenance, Scanner
from ldct_bmd.examination import (
    BodyMask,
    Evidence,
    Examination,
    Software,
    VertebraRecord,
    conclude,
    mask_sha256,
    measure_voi,
    voxels_sha256,
)
from ldct_bmd.morphometry import body_heights, check_outline
from ldct_bmd.quality import LevelHeights, LevelOutline, QualityFacts
from ldct_bmd.scan import Acquisition, ChoiceReason, CTScan, Geometry, OtherSeries, Patient, SeriesChoice, Source
from ldct_bmd.voi import place_voi
from ldct_bmd.words import Phrase, told

LEVELS = ("T11", "T12", "L1", "L2", "L3")
HU = {"T11": 140.0, "T12": 150.0, "L1": 130.0, "L2": 120.0, "L3": 110.0}
ORIGIN = Provenance(Method.ENTERED, Scanner("ACME", "CT 1", serial="17"), kernel_class="smooth")
SITE = Calibration("Site phantom", 0.8, 0.0, "K2HPO4", 120.0, False, "QA phantom, made up", ORIGIN)
SPACING_MM = (1.0, 1.0, 1.0)
PITCH_MM, HEIGHT_MM = 34.0, 26.0
UPRIGHT = ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0))
READER, TIME = "Dr. Reader", "2024-05-06T07:08:09Z"


def column_scan(noise_hu: float = 5.0) -> CTScan:
    """Five bodies, T11 at the top, each of its own HU, in soft tissue of 40 HU."""
    size = (64, 56, 174)
    geometry = Geometry(size, SPACING_MM, (-31.5, -27.5, -86.5), UPRIGHT)
    hu = np.full(geometry.shape, 40.0)
    for level in LEVELS:
        box, inside = body_mask(level).box, body_mask(level).inside
        hu[box][inside] = HU[level]
    hu += np.random.default_rng(7).normal(0.0, noise_hu, hu.shape)
    acquisition = Acquisition(kvp=120.0, slice_thickness_mm=1.0, kernel="B30f", manufacturer="ACME", model="CT 1")
    acquisition = replace(acquisition, device_serial="17")
    patient = Patient("P-17", "Doe^Jane", "F", 63.0)
    other = OtherSeries("1.2.4", "sagittal", 60, Phrase("unsuitable.sagittal"))
    source = Source("dicom", "1.2.3", "1.2", "1.2.9", "A-1", tuple(f"1.2.3.{i}" for i in range(174)))
    source = replace(source, other_series=(other,), choice=SeriesChoice(ChoiceReason.THIN, "1.2.3", 2))
    return CTScan(hu.astype(np.float32), geometry, acquisition, patient, source)


def body_mask(level: str, hp_mm: float = HEIGHT_MM, ha_mm: float = HEIGHT_MM) -> BodyMask:
    """A body 42 mm wide and 33 mm deep, ``ha_mm`` high in front and ``hp_mm`` at the back."""
    center_z = 155 - round(PITCH_MM * LEVELS.index(level))
    low, high = center_z - 17, center_z + 17
    z, y, x = np.meshgrid(np.arange(low, high) - center_z, np.arange(56) - 27.5, np.arange(64) - 31.5, indexing="ij")
    height = ha_mm + (hp_mm - ha_mm) * (y / 33.0 + 0.5)
    inside = ((2 * x / 42.0) ** 4 + (2 * y / 33.0) ** 4 < 1) & (np.abs(z) <= height / 2)
    return BodyMask((slice(low, high), slice(0, 56), slice(0, 64)), inside)


def examined(
    scan: CTScan | None = None,
    calibration: Calibration = SITE,
    measured: tuple[str, ...] = ("T12", "L1", "L2"),
    **facts: object,
) -> Examination:
    """The record that the pipeline would make of :func:`column_scan`; ``facts`` replace fields of the QualityFacts."""
    scan = column_scan() if scan is None else scan
    results, vertebrae, heights, outlines = [], [], [], []
    for level in LEVELS:
        body = body_mask(level)
        center = scan.geometry.to_lps_mm(np.array([31.5, 27.5, (body.box[0].start + body.box[0].stop) / 2]))
        x, y, z = center.tolist()
        vertebrae.append(
            VertebraRecord(level, (x, y, z), float(body.inside.sum()) / 1000.0, 0.97, True, mask_sha256(body))
        )
        found = body_heights(body.inside, body.box, scan.geometry, scan.hu)
        assert found is not None
        heights.append(LevelHeights(level, found))
        if level in measured:
            voi = place_voi(body.inside, body.box, scan.geometry)
            results.append(measure_voi(scan, level, voi, calibration, body))
            outlines.append(LevelOutline(level, check_outline(body.inside, body.box, scan.geometry, scan.hu)))
    quality = QualityFacts(
        ("T12", "L1", "L2"),
        True,
        told("The last rib is in view."),
        tuple(heights),
        tuple(f for _, f in results),
        outlines=tuple(outlines),
    )
    return conclude(
        Evidence(
            scan=scan.description,
            vertebrae=tuple(vertebrae),
            measurements=tuple(m for m, _ in results),
            calibration=calibration,
            software=Software("0.1.0", "test", "ab" * 32),
            quality=replace(quality, **facts),
            timing_s={"read": 1.25},
            voxels_sha256=voxels_sha256(scan.hu),
        )
    )


def with_scan(examination: Examination, **fields: object) -> Examination:
    """The record with other values of its scan's geometry, acquisition or source, whichever has a field of the name."""
    parts = {}
    for name in ("geometry", "acquisition", "source"):
        part = getattr(examination.scan, name)
        parts[name] = replace(part, **{key: fields.pop(key) for key in [*fields] if hasattr(part, key)})
    assert not fields
    return replace(examination, scan=replace(examination.scan, **parts))
