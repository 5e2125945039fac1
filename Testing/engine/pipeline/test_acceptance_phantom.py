"""The whole method on phantoms of known truth: with the exact mask to 1 HU, with the networks' mask to 3 HU."""

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import pydicom
import pytest
from typer.testing import CliRunner

from helpers_spine import ReadySegmenter
from ldct_bmd.anatomy import TARGET_LEVELS, VERSE_VALUE
from ldct_bmd.calibration import entered_calibration
from ldct_bmd.cli import app
from ldct_bmd.densitometry import hu_statistics
from ldct_bmd.examination import Examination
from ldct_bmd.findings import FindingCode
from ldct_bmd.pipeline import MeasuredScan, measure
from ldct_bmd.scan import CTScan, list_series, read_scan
from ldct_bmd.segmentation.label_map import LabelMapSegmenter
from ldct_bmd.segmentation.weights import WEIGHTS
from ldct_bmd_lab.phantom import (
    PHANTOM_INTERCEPT_MG_CM3,
    PHANTOM_SLOPE,
    Phantom,
    PhantomSpec,
    build_phantom,
    write_dicom,
    write_label_map,
    write_nifti,
)
from ldct_bmd_lab.phantom.orientation import stored_geometry

EXACT_MASK_HU, NETWORK_MASK_HU = 1.0, 3.0  # the project's targets
SAME_BMD_MG_CM3 = 0.5  # the project's target for one scan stored in different ways
CALIBRATION = entered_calibration(PHANTOM_SLOPE, PHANTOM_INTERCEPT_MG_CM3, "K2HPO4", 120.0)

# The lower spine in a small field of view, noise-free, at the pixel of a chest CT.
CLOSE = PhantomSpec(
    matrix=(96, 92),
    spacing_mm=(0.76, 0.76, 1.0),
    top_level="T12",
    bottom_level="L2",
    top_margin_mm=4.0,
    bottom_margin_mm=4.0,
    position_mm=(0.0, -24.0, 0.0),
    noise_hu=0.0,
    table=False,
    bmd_mg_cm3={"T12": 140.0, "L1": 120.0, "L2": 75.0},
)
# A body of the size of the method's worked example. Its width is counted in pixels: 84 of them.
WORKED_EXAMPLE = replace(CLOSE, size_scale=42 / 39.15, matrix=(124, 124), spacing_mm=(0.5, 0.5, 1.0))
# Each with L1 brought back to the middle of the field of view.
POSES = {
    "upright": WORKED_EXAMPLE,
    "leaning back": replace(CLOSE, rotation_deg=(12.0, 0.0, 0.0), position_mm=(0.0, -40.0, 0.0)),
    "turned in every axis": replace(CLOSE, rotation_deg=(6.0, -5.0, 7.0), position_mm=(-2.7, -33.0, 0.4)),
    "scoliosis": replace(CLOSE, scoliosis_deg=25.0),
}
# The whole trunk at this height, so that it can be read from files, in noise, so that no voxel is like its neighbours.
TRUNK = PhantomSpec(
    matrix=(224, 176),
    spacing_mm=(1.6, 1.6, 1.25),
    top_level="T11",
    bottom_level="L3",
    top_margin_mm=6.0,
    bottom_margin_mm=6.0,
    noise_hu=25.0,
    bmd_mg_cm3={"T12": 140.0, "L1": 120.0, "L2": 75.0},
)
# T1 to L3 as a screening scan shows them, on pixels that are still finer than the networks'.
CHEST = PhantomSpec(
    matrix=(272, 232),
    spacing_mm=(1.5, 1.5, 1.25),
    top_level="T1",
    bottom_level="L3",
    noise_hu=0.0,
    top_margin_mm=32.0,
    bmd_mg_cm3={"T12": 140.0, "L1": 120.0, "L2": 75.0},
)


def network_available() -> bool:
    return WEIGHTS.is_file()


needs_network = pytest.mark.skipif(not network_available(), reason=f"the package has no weights ({WEIGHTS.name})")


@dataclass(frozen=True)
class Case:
    """A phantom, and the record of measuring it with its exact mask."""

    phantom: Phantom
    examination: Examination

    def error_hu(self, level: str) -> float:
        measurement = self.examination.measurement(level)
        assert measurement is not None, f"{level} was not measured: {self.examination.findings}"
        return measurement.mean_hu - true_hu(self.phantom, level)


def true_hu(phantom: Phantom, level: str) -> float:
    return phantom.mean_hu_truth(phantom.ideal_voi(level))


@cache
def case(spec: str) -> Case:
    """The specs below, each built and measured once."""
    phantom = build_phantom(SPECS[spec])
    return Case(phantom, with_exact_mask(phantom).examination)


def with_exact_mask(phantom: Phantom) -> MeasuredScan:
    return measure(phantom.scan, ReadySegmenter(phantom.bodies), CALIBRATION)


SPECS = {
    **POSES,
    "trunk": TRUNK,
    "fracture and contrast": replace(
        CLOSE,
        top_level="T11",
        bottom_level="L3",
        position_mm=(0.0, -35.0, 0.0),
        noise_hu=25.0,
        fracture_level="L1",
        fracture_ratio=0.6,
        contrast_hu=150.0,
    ),
    "thick slices": replace(CLOSE, spacing_mm=(0.76, 0.76, 3.75), slice_thickness_mm=5.0),
}


def codes(examination: Examination, level: str | None = None) -> set[FindingCode]:
    return {finding.code for finding in examination.findings if level is None or finding.level == level}


def stored_as(phantom: Phantom, orientation: str) -> Phantom:
    """The same scan, to be written with its axes in another order and direction."""
    stored = stored_geometry(phantom.scan.geometry, orientation)
    return replace(
        phantom, spec=replace(phantom.spec, orientation=orientation), scan=replace(phantom.scan, stored=stored)
    )


def cropped(phantom: Phantom, low_z_mm: float) -> Phantom:
    """The same scan, begun so much higher."""
    scan = phantom.scan
    first = int(np.ceil(scan.geometry.to_index_xyz(np.array([0.0, 0.0, low_z_mm]))[2]))
    geometry = replace(
        scan.geometry,
        size=(*scan.geometry.size[:2], scan.geometry.size[2] - first),
        origin_lps_mm=(
            *scan.geometry.origin_lps_mm[:2],
            scan.geometry.origin_lps_mm[2] + first * scan.geometry.spacing_mm[2],
        ),
    )
    stored = stored_geometry(geometry, phantom.spec.orientation)
    part = CTScan(scan.hu[first:], geometry, scan.acquisition, scan.patient, scan.source, stored)
    return replace(phantom, scan=part, bodies=phantom.bodies[first:])


def test_the_voi_of_the_worked_example_is_the_methods() -> None:
    """A = 1100 mm2 and W = 42 mm give 8.4 and 12.5 mm."""
    one = case("upright")
    assert one.phantom.sections["L1"].area_mm2 == pytest.approx(1100.0, rel=0.01)
    measurement = one.examination.measurement("L1")
    assert measurement is not None
    assert measurement.voi.semi_axes_mm == pytest.approx((12.5, 8.4), rel=0.01)
    assert measurement.voi.height_mm == 9.0
    assert measurement.volume_mm3 == pytest.approx(0.30 * 1100.0 * 9.0, rel=0.01)
    assert measurement.voi.center_lps_mm == pytest.approx(one.phantom.ideal_voi("L1").center_lps_mm, abs=0.5)


@pytest.mark.parametrize("level", TARGET_LEVELS)
@pytest.mark.parametrize("pose", POSES)
def test_the_exact_mask_gives_the_true_hu_in_every_pose(pose: str, level: str) -> None:
    one = case(pose)
    assert one.error_hu(level) == pytest.approx(0.0, abs=EXACT_MASK_HU)
    measurement = one.examination.measurement(level)
    assert measurement is not None
    # Half a slice. Bodies are about symmetric, so that the mean alone would not tell a VOI that lies too far left.
    assert measurement.voi.center_lps_mm == pytest.approx(one.phantom.ideal_voi(level).center_lps_mm, abs=0.5)


@pytest.mark.parametrize("level", TARGET_LEVELS)
@pytest.mark.parametrize("pose", POSES)
def test_a_voi_misplaced_by_4_mm_does_not(pose: str, level: str) -> None:
    phantom = case(pose).phantom
    voi = phantom.ideal_voi(level)
    x, y, z = voi.center_lps_mm
    for moved in ((x, y + 4, z), (x, y - 4, z), (x, y, z + 4), (x, y, z - 4)):
        wrong = hu_statistics(phantom.scan, replace(voi, center_lps_mm=moved)).mean_hu
        assert abs(wrong - true_hu(phantom, level)) > EXACT_MASK_HU


def test_bmd_and_category_follow_from_the_true_hu() -> None:
    """L1 of 120 and L2 of 75 mg/cm3 are osteopenia together; nothing stands against saying so."""
    examination = case("upright").examination
    tolerance = EXACT_MASK_HU * PHANTOM_SLOPE
    for level, bmd in {"T12": 140.0, "L1": 120.0, "L2": 75.0}.items():
        measurement = examination.measurement(level)
        assert measurement is not None
        assert measurement.bmd_mg_cm3 == pytest.approx(bmd, abs=tolerance)
    assert examination.assessment.mean_bmd_mg_cm3 == pytest.approx(97.5, abs=tolerance)
    assert examination.assessment.category == "osteopenia"
    assert examination.assessment.limited == ("calibration_scanner",)
    assert [finding.code for finding in examination.findings] == [FindingCode.CALIBRATION_SCANNER]


@pytest.mark.parametrize("level", TARGET_LEVELS)
def test_low_dose_noise_moves_the_mean_by_no_more_than_its_standard_error_says(level: str) -> None:
    one = case("trunk")
    facts = next(facts for facts in one.examination.quality.vois if facts.level == level)
    assert abs(one.error_hu(level)) < EXACT_MASK_HU + 3.0 * facts.standard_error_hu
    assert FindingCode.VOI_NOISE not in codes(one.examination)
    measurement = one.examination.measurement(level)
    assert measurement is not None
    assert measurement.sd_hu > 0.7 * TRUNK.noise_hu


@pytest.mark.parametrize("level", TARGET_LEVELS)
def test_thick_slices_are_told_and_blur_as_their_profile_does(level: str) -> None:
    """A slice of 5 mm sees 2.5 mm beyond the VOI's ends: the truth is that of the VOI moved through the profile."""
    one = case("thick slices")
    assert FindingCode.THICK_SLICES in codes(one.examination)
    measurement = one.examination.measurement(level)
    assert measurement is not None
    x, y, z = measurement.voi.center_lps_mm
    along_profile = (np.arange(20) + 0.5) / 20 * 5.0 - 2.5
    blurred = np.mean(
        [one.phantom.mean_hu_truth(replace(measurement.voi, center_lps_mm=(x, y, z + dz))) for dz in along_profile]
    )
    assert measurement.mean_hu == pytest.approx(float(blurred), abs=EXACT_MASK_HU)


def test_a_wedge_fracture_is_suspected_at_its_level_only_and_limits_the_category() -> None:
    examination = case("fracture and contrast").examination
    assert [f.level for f in examination.findings if f.code is FindingCode.SUSPECTED_FRACTURE] == ["L1"]
    assert "L1 may be fractured" in examination.assessment.statement
    assert FindingCode.SUSPECTED_FRACTURE.value in examination.assessment.limited


def test_a_contrast_agent_is_told_and_limits_the_category() -> None:
    examination = case("fracture and contrast").examination
    assert FindingCode.CONTRAST_AGENT in codes(examination)
    assert FindingCode.CONTRAST_AGENT.value in examination.assessment.limited
    assert FindingCode.CONTRAST_AGENT not in codes(case("trunk").examination)


def test_contrast_agent_that_no_tag_names_is_seen_in_the_aorta_and_taken_off() -> None:
    one = case("fracture and contrast")
    made = replace(one.phantom.scan.acquisition, contrast_agent=None)
    untold = with_exact_mask(replace(one.phantom, scan=replace(one.phantom.scan, acquisition=made))).examination
    assert FindingCode.BLOOD_ENHANCED in codes(untold)
    assert FindingCode.BLOOD_ENHANCED.value in untold.assessment.limited
    assert untold.contrast == one.examination.contrast
    for measurement in untold.measurements:
        native = CALIBRATION.bmd_mg_cm3(measurement.mean_hu)
        assert measurement.bmd_mg_cm3 == pytest.approx(native - CALIBRATION.slope * untold.contrast.shift_hu)
        assert native - measurement.bmd_mg_cm3 > 5.0
    assert case("trunk").examination.contrast is None


def test_a_level_cut_by_the_lower_edge_is_told_and_gets_no_number() -> None:
    whole = case("trunk").phantom
    l2 = whole.sections["L2"]
    examination = with_exact_mask(cropped(whole, (l2.low_z_mm + l2.high_z_mm) / 2)).examination
    assert FindingCode.CUT_BY_EDGE in codes(examination, "L2")
    assert [m.level for m in examination.measurements] == ["T12", "L1"]
    assert examination.assessment.levels == ("L1",)
    assert FindingCode.SINGLE_LUMBAR_LEVEL.value in examination.assessment.limited
    assert "L2 not measured" in examination.assessment.statement
    assert case("trunk").examination.assessment.limited == ("calibration_scanner",)


def test_a_scan_without_l1_and_l2_gets_no_category_and_is_no_failure(tmp_path: Path) -> None:
    whole = case("trunk").phantom
    # Between the two bodies, where no rim of L1 is left.
    part = cropped(whole, (whole.sections["T12"].low_z_mm + whole.sections["L1"].high_z_mm) / 2)
    assert VERSE_VALUE["L1"] not in part.bodies
    out = tmp_path / "out"
    result = CliRunner().invoke(
        app,
        [
            *("measure", str(write_nifti(part, tmp_path / "ct.nii.gz")), "-o", str(out)),
            *("--segmentation", str(write_label_map(part, tmp_path / "bodies.nii.gz"))),
            *("--segmentation-values", "verse", "--segmentation-parts", "body"),
        ],
    )
    assert result.exit_code == 0, result.output
    record = json.loads((out / "measurement.json").read_text(encoding="utf-8"))
    assert [m["level"] for m in record["measurements"]] == ["T12"]
    assert record["assessment"]["category"] is None
    assert record["assessment"]["levels"] == []
    missing = {f["level"] for f in record["findings"] if f["code"] == FindingCode.TARGET_MISSING.value}
    assert missing == {"L1", "L2"}
    assert "No category is given" in result.stdout


Store = Callable[[Phantom, Path], Path]


def as_file(name: str) -> Store:
    return lambda phantom, folder: write_nifti(phantom, folder / name)


def as_dicom(phantom: Phantom, folder: Path) -> Path:
    write_dicom(phantom, folder)
    return folder


def as_shuffled_dicom(phantom: Phantom, folder: Path) -> Path:
    """Names, folders and instance numbers that say nothing of the order, as an archive may leave them."""
    files = write_dicom(phantom, folder)
    rng = np.random.default_rng(11)
    numbers = rng.permutation(10 * len(files))[: len(files)]
    for place, (file, number) in enumerate(zip(files, numbers, strict=True)):
        dataset = pydicom.dcmread(file)
        dataset.InstanceNumber = int(number)
        del dataset.SliceLocation
        target = folder / f"{place % 3}" / f"{rng.integers(1 << 62):x}"
        target.parent.mkdir(exist_ok=True)
        dataset.save_as(target)
        file.unlink()
    return folder


@pytest.fixture(scope="module")
def label_map(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bodies of the trunk, stored in an orientation that none of the scans has."""
    return write_label_map(stored_as(case("trunk").phantom, "SAL"), tmp_path_factory.mktemp("labels") / "b.nii.gz")


@pytest.mark.parametrize(
    ("orientation", "store"),
    [
        pytest.param("LPS", as_file("ct.nii.gz"), id="NIfTI as the engine has it"),
        pytest.param("RAS", as_file("ct.nii.gz"), id="NIfTI in its own convention"),
        pytest.param("LPI", as_file("ct.nrrd"), id="NRRD from the head down"),
        pytest.param("AIR", as_file("ct.nii.gz"), id="sagittal NIfTI"),
        pytest.param("LSA", as_file("ct.mha"), id="coronal MHA"),
        pytest.param("LPS", as_dicom, id="DICOM"),
        pytest.param("RAI", as_dicom, id="DICOM of a prone patient, from the head down"),
        pytest.param("LPS", as_shuffled_dicom, id="DICOM shuffled"),
        pytest.param("PIL", as_shuffled_dicom, id="sagittal DICOM shuffled"),
    ],
)
def test_the_same_scan_gives_the_same_bmd_however_it_is_stored(
    orientation: str, store: Store, label_map: Path, tmp_path: Path
) -> None:
    reference = case("trunk").examination
    path = store(stored_as(case("trunk").phantom, orientation), tmp_path)
    # A sagittal series is measured only when it is asked for by name: it is a reformat nearly always.
    series = list_series(path)
    named = series[0].series_uid if series and series[0].unsuitable else None
    scan = read_scan(path, named)
    examination = measure(scan, LabelMapSegmenter(label_map, "verse", "body"), CALIBRATION).examination
    assert [m.level for m in examination.measurements] == list(TARGET_LEVELS)
    for ours, theirs in zip(examination.measurements, reference.measurements, strict=True):
        assert ours.bmd_mg_cm3 == pytest.approx(theirs.bmd_mg_cm3, abs=SAME_BMD_MG_CM3)
        # Noise hides a shift by one voxel from the mean, not from the place.
        assert ours.voi.center_lps_mm == pytest.approx(theirs.voi.center_lps_mm, abs=0.01)
        assert ours.sd_hu == pytest.approx(theirs.sd_hu, abs=0.01)


@dataclass(frozen=True)
class NetworkCase:
    """A chest phantom, and what the networks make of it."""

    phantom: Phantom
    measured: MeasuredScan


BODIES = {
    "upright": CHEST,
    "small, bent and turned": replace(
        CHEST, size_scale=0.93, scoliosis_deg=12.0, kyphosis_scale=1.2, rotation_deg=(4.0, -3.0, 5.0)
    ),
}


@cache
def network_case(body: str) -> NetworkCase:
    from ldct_bmd.segmentation.network_segmenter import NetworkSegmenter

    phantom = build_phantom(BODIES[body])
    return NetworkCase(phantom, measure(phantom.scan, NetworkSegmenter(device="cpu"), CALIBRATION))


@needs_network
@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES)
def test_the_networks_name_every_whole_vertebra_right(body: str) -> None:
    one = network_case(body)
    found = {v.level: v for v in one.measured.examination.vertebrae}
    for level in one.phantom.levels:
        assert level in found
        vertebra = next(v for v in one.phantom.spine if v.level == level)
        true = one.phantom.pose.to_lps(vertebra.frame.origin)
        # Less than half of the smallest step from one body to the next, so that no name fits two of them.
        assert np.linalg.norm(np.subtract(found[level].centroid_lps_mm, true)) < 8.0


@needs_network
@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES)
def test_the_networks_are_certain_of_the_names(body: str) -> None:
    assert network_case(body).measured.column.names_certain


@needs_network
@pytest.mark.slow
@pytest.mark.parametrize("level", TARGET_LEVELS)
@pytest.mark.parametrize("body", BODIES)
def test_the_networks_mask_gives_the_true_hu(body: str, level: str) -> None:
    one = network_case(body)
    measurement = one.measured.examination.measurement(level)
    assert measurement is not None
    assert measurement.mean_hu == pytest.approx(true_hu(one.phantom, level), abs=NETWORK_MASK_HU)
