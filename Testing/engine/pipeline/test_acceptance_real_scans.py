"""The command line on real scans, as a user runs it. Nobody knows their true BMD: agreement and plausibility count."""

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from typer.testing import CliRunner

from ldct_bmd.anatomy import LEVELS, TARGET_LEVELS, VERSE_VALUE, order
from ldct_bmd.cli import app
from ldct_bmd.reporting.files import BODIES_FILE, RECORD_FILE, RESULT_FILES
from ldct_bmd.scan import list_series
from ldct_bmd.segmentation.weights import WEIGHTS
from places import DATA

needs_network = pytest.mark.skipif(not WEIGHTS.is_file(), reason=f"the package has no weights ({WEIGHTS.name})")

# Where the bodies' centres lie, read by eye from sagittal and coronal reformats: in the chest twelve pairs of ribs from
# the first down to the last body in view, in the lower visit the last rib and five lumbar bodies above the sacrum.
CHEST_Z_MM = {
    "T1": 250.0,
    "T2": 233.0,
    "T3": 213.0,
    "T4": 197.0,
    "T5": 177.0,
    "T6": 154.0,
    "T7": 132.0,
    "T8": 108.0,
    "T9": 82.0,
    "T10": 57.0,
    "T11": 28.0,
    "T12": -3.0,
}
LOWER_VISIT_Z_MM = {"T12": -528.0, "L1": -561.0, "L2": -595.0, "L3": -631.0, "L4": -667.0, "L5": -703.0}
BY_EYE_MM = 7.5  # less than half of the way to the next body
TRABECULAR_HU = (20.0, 350.0)  # adults at 120 kVp (Jang 2019); a little less at 140 kVp


def data(*names: str) -> Path:
    path = DATA.joinpath(*names)
    if not path.exists():
        pytest.skip(f"{path} is not here: the real scans are not part of the project")
    return path


@dataclass(frozen=True)
class Run:
    """What the command printed and wrote; ``record`` is empty and ``bodies`` None where it wrote nothing."""

    exit_code: int
    stdout: str
    stderr: str
    record: dict[str, Any]
    bodies: NDArray[np.uint8] | None

    def codes(self, level: str | None = None) -> set[str]:
        return {f["code"] for f in self.record["findings"] if level is None or f["level"] == level}

    @property
    def levels(self) -> list[str]:
        return [v["level"] for v in self.record["vertebrae"]]

    @property
    def mean_hu(self) -> dict[str, float]:
        return {m["level"]: m["mean_hu"] for m in self.record["measurements"]}

    def bmd(self, level: str) -> float:
        return float(next(m["bmd_mg_cm3"] for m in self.record["measurements"] if m["level"] == level))


@cache
def measured(*arguments: str) -> Run:
    """Run ``ldct-bmd measure`` once for each set of arguments."""
    with TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        result = CliRunner().invoke(app, ["measure", *arguments, "-o", str(out)])
        if result.exit_code != 0:
            assert not out.exists()
            return Run(result.exit_code, result.stdout, result.stderr, {}, None)
        assert {path.name for path in out.iterdir()} == set(RESULT_FILES)
        record = json.loads((out / RECORD_FILE).read_text(encoding="utf-8"))
        bodies = sitk.GetArrayFromImage(sitk.ReadImage(str(out / BODIES_FILE)))
        return Run(0, result.stdout, result.stderr, record, bodies)


def assert_column_is_sound(run: Run) -> None:
    """Levels unique, without a gap, from head to foot in space as in name, each a body-sized thing in the mask."""
    levels = [level for level in run.levels if level not in ("T13", "L6")]
    assert levels == run.levels
    regular = [level for level in LEVELS if level not in ("T13", "L6")]
    first = regular.index(levels[0])
    assert levels == regular[first : first + len(levels)]
    heights = [v["centroid_lps_mm"][2] for v in run.record["vertebrae"]]
    assert (np.diff(heights) < -10.0).all()  # the body of T1 with its disc is about 18 mm high
    assert run.bodies is not None
    assert set(np.unique(run.bodies)) - {0} == {VERSE_VALUE[level] for level in levels}
    for vertebra in run.record["vertebrae"]:
        if vertebra["complete"]:
            assert 4.0 < vertebra["volume_ml"] < 90.0


def assert_vois_lie_in_their_bodies(run: Run) -> None:
    centres = {v["level"]: v["centroid_lps_mm"] for v in run.record["vertebrae"]}
    for measurement in run.record["measurements"]:
        away = np.subtract(measurement["voi"]["center_lps_mm"], centres[measurement["level"]])
        assert np.linalg.norm(away) < 6.0
        long_mm, short_mm = measurement["voi"]["semi_axes_mm"]
        assert 6.0 < short_mm < long_mm < 18.0
        assert TRABECULAR_HU[0] < measurement["mean_hu"] < TRABECULAR_HU[1]


def assert_bodies_lie_at(run: Run, z_mm: dict[str, float]) -> None:
    heights = {v["level"]: v["centroid_lps_mm"][2] for v in run.record["vertebrae"]}
    assert {level: heights.get(level, np.nan) for level in z_mm} == pytest.approx(z_mm, abs=BY_EYE_MM)


@pytest.fixture(scope="module")
def chest() -> Run:
    return measured(str(data("chest_ct_dicom")))


@pytest.fixture(scope="module")
def lower() -> Run:
    return measured(str(data("petct_low_dose_dicom")))


@pytest.fixture(scope="module")
def upper(lower: Run) -> Run:
    folder = data("petct_low_dose_dicom")
    (other,) = (s for s in list_series(folder) if s.series_uid != lower.record["scan"]["source"]["series_uid"])
    return measured(str(folder), "--series", other.series_uid)


@pytest.fixture(scope="module")
def bodies() -> Run:
    return with_mask("vertebral_bodies.nii.gz", "verse", "body")


@pytest.fixture(scope="module")
def whole() -> Run:
    return with_mask("organs.nii.gz", "totalsegmentator", "whole")


def with_mask(mask: str, values: str, parts: str) -> Run:
    folder = data("abdomen_ct_3mm")
    described = ("--segmentation-values", values, "--segmentation-parts", parts)
    return measured(str(folder / "ct.nii.gz"), "--segmentation", str(folder / mask), *described)


@needs_network
@pytest.mark.slow
class TestRoutineDoseChest:
    def test_the_axial_series_is_measured_and_the_reformat_named(self, chest: Run) -> None:
        assert chest.exit_code == 0, chest.stderr
        assert chest.record["scan"]["geometry"]["size"][2] == 248
        assert len(chest.record["scan"]["source"]["sop_instance_uids"]) == 248
        (other,) = chest.record["scan"]["source"]["other_series"]
        assert (other["slices"], other["unsuitable"]["code"]) == (20, "unsuitable.sagittal")
        assert "sagittal reformat" in chest.stdout

    def test_every_body_is_found_once_under_its_name(self, chest: Run) -> None:
        assert_column_is_sound(chest)
        assert_vois_lie_in_their_bodies(chest)
        assert_bodies_lie_at(chest, CHEST_Z_MM)
        assert [level for level in chest.levels if level != "C7"] == list(CHEST_Z_MM)

    def test_the_lumbar_levels_are_not_in_view_and_there_is_no_category(self, chest: Run) -> None:
        for level in ("L1", "L2"):
            assert "target_missing" in chest.codes(level)
            assert level not in chest.mean_hu
        assert "no_lumbar_level" in chest.codes()
        assert chest.record["assessment"]["category"] is None
        assert chest.record["assessment"]["mean_bmd_mg_cm3"] is None
        assert "No category is given" in chest.stdout


@needs_network
@pytest.mark.slow
class TestLowDosePetCt:
    def test_both_visits_are_told_apart(self, lower: Run, upper: Run) -> None:
        assert lower.exit_code == 0, lower.stderr
        for one, two in ((lower, upper), (upper, lower)):
            assert len(one.record["scan"]["source"]["sop_instance_uids"]) == 99
            (other,) = one.record["scan"]["source"]["other_series"]
            assert other["series_uid"] == two.record["scan"]["source"]["series_uid"]
            assert "other_series" in one.codes()

    def test_the_lower_visit_gives_all_three_levels_where_they_are(self, lower: Run) -> None:
        assert list(lower.mean_hu) == list(TARGET_LEVELS)
        assert_column_is_sound(lower)
        assert_vois_lie_in_their_bodies(lower)
        assert_bodies_lie_at(lower, LOWER_VISIT_Z_MM)

    def test_the_lower_visit_is_told_to_be_of_another_voltage_and_thick(self, lower: Run) -> None:
        assert lower.record["scan"]["acquisition"]["kvp"] == 140.0
        assert {"kvp_mismatch", "thick_slices", "nominal_calibration"} <= lower.codes()
        assert lower.record["assessment"]["category"] is None
        assert lower.record["assessment"]["mean_bmd_mg_cm3"] is not None
        assert "tube voltage" in lower.record["assessment"]["statement"]

    def test_the_upper_visit_is_measured_as_far_as_it_goes(self, upper: Run) -> None:
        """Head to upper thorax: a few thoracic bodies, and none of the target levels."""
        assert upper.exit_code == 0, upper.stderr
        assert_column_is_sound(upper)
        assert all(order(level) <= order("T7") for level in upper.levels)
        assert upper.record["measurements"] == []
        for level in TARGET_LEVELS:
            assert "target_missing" in upper.codes(level)
        assert upper.record["assessment"]["category"] is None


class TestAbdomenWithReadyMasks:
    """Two models' masks of one scan at 3 mm: bodies, and whole vertebrae that are split from the arch here."""

    def test_the_bodies_are_those_of_the_file_under_their_names(self, bodies: Run) -> None:
        assert bodies.exit_code == 0, bodies.stderr
        assert bodies.levels == ["T12", "L1", "L2", "L3", "L4", "L5"]
        given = sitk.GetArrayFromImage(sitk.ReadImage(str(data("abdomen_ct_3mm", "vertebral_bodies.nii.gz"))))
        assert bodies.bodies is not None
        assert np.array_equal(bodies.bodies, given)
        assert_vois_lie_in_their_bodies(bodies)

    def test_t12_is_cut_by_the_upper_edge_and_gets_no_number(self, bodies: Run, whole: Run) -> None:
        for run in (bodies, whole):
            assert "cut_by_edge" in run.codes("T12")
            assert list(run.mean_hu) == ["L1", "L2"]

    def test_whole_vertebrae_get_the_same_names(self, bodies: Run, whole: Run) -> None:
        """Of T11 the arch alone is in view, which is no body."""
        assert whole.exit_code == 0, whole.stderr
        assert whole.levels == bodies.levels
        centres = {v["level"]: v["centroid_lps_mm"] for v in whole.record["vertebrae"]}
        for vertebra in bodies.record["vertebrae"]:
            away = np.subtract(vertebra["centroid_lps_mm"], centres[vertebra["level"]])
            assert np.linalg.norm(away) < 3.0  # a voxel; an arch left on a body moves its centre by 10 mm

    @pytest.mark.parametrize("level", ["L1", "L2"])
    def test_the_split_leaves_no_arch(self, bodies: Run, whole: Run, level: str) -> None:
        """A surface a quarter of a voxel farther out is 14 % more volume; an arch would be 50 %."""
        volumes = [{v["level"]: v["volume_ml"] for v in run.record["vertebrae"]}[level] for run in (bodies, whole)]
        assert volumes[1] == pytest.approx(volumes[0], rel=0.2)

    @pytest.mark.parametrize("level", ["L1", "L2"])
    def test_both_masks_give_about_the_same_bmd(self, bodies: Run, whole: Run, level: str) -> None:
        """The VOIs lie up to half a voxel, 1.5 mm, apart: 1.6 mg/cm3 in L1, 0.4 mg/cm3 in L2."""
        assert whole.bmd(level) == pytest.approx(bodies.bmd(level), abs=3.0)

    def test_what_a_nifti_file_does_not_say_is_told(self, bodies: Run) -> None:
        assert {"kvp_unknown", "nominal_calibration"} <= bodies.codes()
        assert "thick_slices" not in bodies.codes()
        assert {"kvp_unknown", "nominal_calibration"} <= set(bodies.record["assessment"]["limited"])

    @pytest.mark.parametrize(
        ("mask", "values", "parts", "says"),
        [
            ("organs.nii.gz", "verse", "whole", "not VerSe's"),
            ("organs.nii.gz", "totalsegmentator", "body", "--segmentation-parts whole"),
            ("vertebral_bodies.nii.gz", "totalsegmentator", "body", "no vertebra T1 to L5"),
        ],
    )
    def test_a_mask_described_wrongly_is_refused(self, mask: str, values: str, parts: str, says: str) -> None:
        run = with_mask(mask, values, parts)
        assert run.exit_code == 3
        assert says in " ".join(run.stderr.split())


@needs_network
@pytest.mark.slow
def test_a_scan_with_its_slices_in_reverse_order_is_refused(tmp_path: Path) -> None:
    scan = sitk.ReadImage(str(data("abdomen_ct_3mm", "ct.nii.gz")))
    reversed_hu = sitk.GetImageFromArray(sitk.GetArrayFromImage(scan)[::-1])
    reversed_hu.CopyInformation(scan)
    sitk.WriteImage(reversed_hu, str(tmp_path / "reversed.nii.gz"))
    run = measured(str(tmp_path / "reversed.nii.gz"))
    assert run.exit_code == 3
    assert "if head and feet are exchanged" in " ".join(run.stderr.split())
