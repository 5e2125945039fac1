"""The phantom is only worth something if its truth is the truth and its scan looks like a scan."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pydicom
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray
from scipy import ndimage

from ldct_bmd.anatomy import LEVELS, VERSE_VALUE, order
from ldct_bmd.ground.errors import UsageError
from ldct_bmd_lab.phantom import Phantom, PhantomSpec, build_phantom, write_dicom, write_label_map, write_nifti
from ldct_bmd_lab.phantom.shapes import polyline
from ldct_bmd_lab.phantom.truth import points_in

NARROW = PhantomSpec(
    matrix=(128, 128),
    spacing_mm=(0.8, 0.8, 1.0),
    top_level="T12",
    bottom_level="L2",
    top_margin_mm=4.0,
    bottom_margin_mm=4.0,
    noise_hu=0.0,
    table=False,
    bmd_mg_cm3={"T12": 140.0, "L1": 120.0, "L2": 75.0},
)
TORSO = PhantomSpec(matrix=(192, 160), spacing_mm=(2.1, 2.1, 2.0), top_level="C7", bottom_level="L3", noise_hu=0.0)


@pytest.fixture(scope="module")
def narrow() -> Phantom:
    """The lower spine alone, noise-free."""
    return build_phantom(NARROW)


@pytest.fixture(scope="module")
def torso() -> Phantom:
    """A whole torso on coarse voxels, noise-free."""
    return build_phantom(TORSO)


def _image_mean(phantom: Phantom, center: tuple[float, float, float], level: str) -> float:
    voi = replace(phantom.ideal_voi(level), center_lps_mm=center)
    index = phantom.scan.geometry.to_index_xyz(points_in(voi, 40000))
    return float(ndimage.map_coordinates(phantom.scan.hu.astype(float), index[:, ::-1].T, order=1).mean())


def test_same_spec_gives_the_same_scan_and_another_seed_only_another_noise() -> None:
    spec = replace(NARROW, matrix=(48, 48), spacing_mm=(2.0, 2.0, 3.0), noise_hu=20.0)
    first, again, other = (build_phantom(s) for s in (spec, spec, replace(spec, seed=1)))
    assert np.array_equal(first.scan.hu, again.scan.hu)
    assert not np.array_equal(first.scan.hu, other.scan.hu)
    assert np.array_equal(first.bodies, other.bodies)
    assert first.ideal_voi("L1") == other.ideal_voi("L1")


@pytest.mark.parametrize("level", ["T12", "L1", "L2"])
def test_noise_free_image_holds_the_true_mean_and_a_misplaced_voi_does_not(narrow: Phantom, level: str) -> None:
    voi = narrow.ideal_voi(level)
    truth = narrow.mean_hu_truth(voi)
    assert narrow.mean_bmd_truth(voi) == pytest.approx(NARROW.bmd(level), abs=0.05)
    assert _image_mean(narrow, voi.center_lps_mm, level) == pytest.approx(truth, abs=1.0)
    x, y, z = voi.center_lps_mm
    for moved in ((x, y + 4, z), (x, y - 4, z), (x, y, z + 4), (x, y, z - 4)):
        assert abs(_image_mean(narrow, moved, level) - truth) > 1.0


def test_core_is_denser_under_the_endplates_and_behind_and_has_a_vein(narrow: Phantom) -> None:
    vertebra = next(v for v in narrow.spine if v.level == "L1")

    def at(u: float, v: float, w: float) -> float:
        local = np.array([[u + du, v, w] for du in np.linspace(-6, 6, 41)])
        return float(narrow.hu_at(narrow.pose.to_lps(vertebra.frame.to_torso(local))).mean())

    assert at(0, -3, 9.5) > at(0, -3, 0) + 5
    assert at(0, 8, 6.5) > at(0, -8, 6.5) + 5
    assert at(0, 11, 0) < at(0, 11, 6.5) - 20


def test_worked_example_of_the_method_comes_out_at_its_size() -> None:
    spec = replace(NARROW, size_scale=42 / 39.15, matrix=(16, 16), spacing_mm=(5.0, 5.0, 5.0))
    phantom = build_phantom(spec)
    assert phantom.sections["L1"].area_mm2 == pytest.approx(1100, rel=0.01)
    assert phantom.sections["L1"].width_mm == pytest.approx(42, rel=0.01)
    voi = phantom.ideal_voi("L1")
    assert voi.semi_axes_mm == pytest.approx((12.5, 8.4), rel=0.01)
    assert voi.height_mm == 9.0


def test_label_map_agrees_with_the_analytic_sections(narrow: Phantom) -> None:
    g = narrow.scan.geometry
    for level in narrow.levels:
        section = narrow.sections[level]
        body = narrow.bodies == VERSE_VALUE[level]
        rows = np.flatnonzero(body.any((1, 2)))
        middle = body[round(g.to_index_xyz(np.array(narrow.ideal_voi(level).center_lps_mm))[2])]
        assert middle.sum() * g.spacing_mm[0] * g.spacing_mm[1] == pytest.approx(section.area_mm2, rel=0.02)
        assert len(rows) * g.spacing_mm[2] == pytest.approx(section.high_z_mm - section.low_z_mm, abs=1.5)
        assert middle.sum(1).max() * g.spacing_mm[0] == pytest.approx(section.width_mm, abs=1.6)


def test_every_level_is_present_once_in_order_and_of_growing_size(torso: Phantom) -> None:
    values = [int(v) for v in np.unique(torso.bodies) if v]
    expected = [VERSE_VALUE[level] for level in LEVELS if order("C7") <= order(level) <= order("L3") and level != "T13"]
    assert [v for v in values if v <= VERSE_VALUE["L3"]] == sorted(expected)
    heights = [np.argwhere(torso.bodies == v)[:, 0].mean() for v in sorted(expected)]
    assert heights == sorted(heights, reverse=True)
    for value in expected:
        assert ndimage.label(torso.bodies == value)[1] == 1
    areas = [torso.sections[level].area_mm2 for level in ("T3", "T6", "T9", "T12", "L1", "L2", "L3")]
    assert areas == sorted(areas)


def test_torso_has_twelve_pairs_of_ribs_and_lungs_and_fat(torso: Phantom) -> None:
    g = torso.scan.geometry
    hu = torso.scan.hu
    # A vertical cut beside the spine crosses every rib that reaches so far to the side.
    for side in (-1, 1):
        column = round((side * 38.0 - g.origin_lps_mm[0]) / g.spacing_mm[0])
        behind = round((20.0 - g.origin_lps_mm[1]) / g.spacing_mm[1])
        found = ndimage.label(hu[:, behind:, column] > 330)[1]
        assert found >= 9
    lung = (hu > -920) & (hu < -750)
    assert 2.0e6 < lung.sum() * g.voxel_volume_mm3 < 6.0e6
    assert ((hu > -130) & (hu < -70)).sum() * g.voxel_volume_mm3 > 2.0e6


def test_discs_and_canal_are_soft_between_hard_endplates(narrow: Phantom) -> None:
    upper, lower = (next(v for v in narrow.spine if v.level == level) for level in ("L1", "L2"))
    a = upper.frame.to_torso(np.array([0.0, 0.0, -upper.size.height / 2]))
    b = lower.frame.to_torso(np.array([0.0, 0.0, lower.size.height / 2]))
    path = narrow.pose.to_lps(a + np.linspace(-0.3, 1.3, 60)[:, None] * (b - a))
    index = narrow.scan.geometry.to_index_xyz(path)
    hu = ndimage.map_coordinates(narrow.scan.hu.astype(float), index[:, ::-1].T, order=1)
    assert 55 < hu[28:32].mean() < 110
    assert hu[:20].max() > 300
    assert hu[40:].max() > 300


def test_fracture_lowers_the_front_of_its_body_only() -> None:
    small = replace(NARROW, matrix=(32, 32), spacing_mm=(3.2, 3.2, 3.0))
    phantom = build_phantom(replace(small, fracture_level="L1", fracture_ratio=0.6))
    whole = build_phantom(small)

    def heights(p: Phantom, level: str) -> tuple[float, float]:
        vertebra = next(v for v in p.spine if v.level == level)
        w = np.arange(-18, 18, 0.1)
        out = []
        for v in (-0.36 * vertebra.size.depth, 0.36 * vertebra.size.depth):
            body, _ = vertebra.body((np.zeros(1, np.float32), np.full(1, v, np.float32), w.astype(np.float32)))
            out.append(float((body < 0).sum() * 0.1))
        return out[0], out[1]

    front, back = heights(phantom, "L1")
    assert front / back < 0.78
    assert heights(whole, "L1")[0] / heights(whole, "L1")[1] > 0.95
    assert heights(phantom, "L2") == heights(whole, "L2")


@pytest.mark.parametrize("noise", [15.0, 40.0])
def test_noise_has_the_wanted_strength_and_is_correlated(noise: float) -> None:
    spec = replace(NARROW, matrix=(160, 160), spacing_mm=(0.75, 0.75, 1.0), slices=24, noise_hu=noise)
    with_noise, without = build_phantom(spec), build_phantom(replace(spec, noise_hu=0.0))
    noise_image = with_noise.scan.hu.astype(float) - without.scan.hu
    assert noise_image.std() == pytest.approx(noise, rel=0.1)
    assert abs(noise_image.mean()) < 0.5

    def correlation(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
        return float((a * b).mean() / noise_image.var())

    assert correlation(noise_image[:, :, 1:], noise_image[:, :, :-1]) > 0.4
    assert 0.1 < correlation(noise_image[1:], noise_image[:-1]) < 0.8
    # Filtered backprojection leaves little slow noise: the mean of a large patch is far better than its pixels.
    patches = noise_image.reshape(24, 8, 20, 8, 20).mean((2, 4))
    assert patches.std() < noise / 12


def test_thick_slices_average_and_keep_the_truth() -> None:
    thick = build_phantom(replace(NARROW, spacing_mm=(0.8, 0.8, 2.0), slice_thickness_mm=3.0))
    voi = thick.ideal_voi("L2")
    # A 3-mm profile reaches 1.5 mm out of the VOI towards the denser endplates.
    assert _image_mean(thick, voi.center_lps_mm, "L2") == pytest.approx(thick.mean_hu_truth(voi), abs=2.0)
    thin = build_phantom(replace(NARROW, spacing_mm=(0.8, 0.8, 2.0), slice_thickness_mm=1.0))
    assert (
        np.abs(np.diff(thick.scan.hu.astype(float), axis=0)).mean()
        < np.abs(np.diff(thin.scan.hu.astype(float), axis=0)).mean()
    )


def test_contrast_raises_the_aorta_and_not_the_bone() -> None:
    plain, contrast = build_phantom(NARROW), build_phantom(replace(NARROW, contrast_hu=150.0))
    x, y, z = plain.ideal_voi("L1").center_lps_mm
    depth = next(v for v in plain.spine if v.level == "L1").size.depth
    index = plain.scan.geometry.to_index_xyz(np.array([x + 7.0, y - depth / 2 - 14.0, z])).round().astype(int)
    box = tuple(slice(i - 2, i + 3) for i in index[::-1])
    assert plain.scan.hu[box].mean() == pytest.approx(42, abs=12)
    assert contrast.scan.hu[box].mean() - plain.scan.hu[box].mean() == pytest.approx(150, abs=2)
    assert _image_mean(contrast, (x, y, z), "L1") == pytest.approx(_image_mean(plain, (x, y, z), "L1"), abs=0.1)
    assert contrast.scan.acquisition.contrast_agent
    assert plain.scan.acquisition.contrast_agent is None


def test_pose_moves_the_truth_with_the_patient() -> None:
    spec = replace(NARROW, rotation_deg=(4.0, -3.0, 5.0), position_mm=(3.3, -2.7, 1.4), scoliosis_deg=12.0)
    phantom = build_phantom(spec)
    voi = phantom.ideal_voi("L1")
    assert _image_mean(phantom, voi.center_lps_mm, "L1") == pytest.approx(phantom.mean_hu_truth(voi), abs=1.0)
    body = np.argwhere(phantom.bodies == VERSE_VALUE["L1"])[:, ::-1].mean(0)
    assert phantom.scan.geometry.to_lps_mm(body) == pytest.approx(voi.center_lps_mm, abs=3.0)


def test_dicom_series_reads_back_with_its_positions(tmp_path: Path) -> None:
    spec = replace(NARROW, matrix=(40, 32), spacing_mm=(2.5, 2.6, 4.0), orientation="RAI", noise_hu=10.0)
    phantom = build_phantom(spec)
    paths = write_dicom(phantom, tmp_path / "series")
    datasets = [pydicom.dcmread(p) for p in paths]
    g = phantom.scan.geometry
    volume = np.stack([d.pixel_array * float(d.RescaleSlope) + float(d.RescaleIntercept) for d in datasets])
    assert np.array_equal(volume[::-1, ::-1, ::-1], phantom.scan.hu)
    first = g.to_lps_mm(np.array([g.size[0] - 1.0, g.size[1] - 1.0, g.size[2] - 1.0]))
    assert [float(c) for c in datasets[0].ImagePositionPatient] == pytest.approx(first, abs=1e-4)
    assert [float(c) for c in datasets[0].ImageOrientationPatient] == [-1, 0, 0, 0, -1, 0]
    steps = np.diff([float(d.ImagePositionPatient[2]) for d in datasets])
    assert steps == pytest.approx(-4.0, abs=1e-4)
    assert [float(c) for c in datasets[0].PixelSpacing] == [2.6, 2.5]
    assert datasets[0].Manufacturer == "LDCT-BMD PHANTOM"
    assert float(datasets[0].KVP) == 120
    assert len({d.SOPInstanceUID for d in datasets}) == len(paths)
    assert len({d.SeriesInstanceUID for d in datasets}) == 1


@pytest.mark.parametrize("orientation", ["LPS", "RAS", "ASL"])
def test_nifti_holds_the_same_points_in_any_orientation(tmp_path: Path, orientation: str) -> None:
    spec = replace(NARROW, matrix=(40, 32), spacing_mm=(2.5, 2.6, 4.0), orientation=orientation)
    phantom = build_phantom(spec)
    image = sitk.ReadImage(str(write_nifti(phantom, tmp_path / "scan.nii.gz")))
    labels = sitk.ReadImage(str(write_label_map(phantom, tmp_path / "labels.nii.gz")))
    center = phantom.ideal_voi("L1").center_lps_mm
    k = phantom.scan.geometry.to_index_xyz(np.array(center)).round().astype(int)
    point = phantom.scan.geometry.to_lps_mm(k.astype(float))
    index = image.TransformPhysicalPointToIndex([float(c) for c in point])
    assert image[index] == phantom.scan.hu[k[2], k[1], k[0]]
    assert labels[index] == VERSE_VALUE["L1"]
    assert image.GetSize() == phantom.scan.stored_geometry.size
    back = sitk.GetArrayFromImage(sitk.DICOMOrient(image, "LPS"))
    assert np.array_equal(back, phantom.scan.hu)


@pytest.mark.parametrize(
    "wrong",
    [
        {"top_level": "S1"},
        {"top_level": "L2", "bottom_level": "T12"},
        {"orientation": "LRS"},
        {"spacing_mm": (0.0, 1.0, 1.0)},
        {"fracture_level": "L1", "fracture_ratio": 0.0},
    ],
)
def test_an_impossible_phantom_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(UsageError):
        PhantomSpec(**wrong)  # type: ignore[arg-type]


def test_a_path_whose_points_fall_together_is_still_a_path() -> None:
    points = np.array([[0.0, 0, 0], [5, 0, 0], [5, 0, 0], [10, 0, 0]])
    line = polyline(points, 1.0)
    assert np.allclose(line[[0, -1]], points[[0, -1]])
    assert len(polyline(points[1:3], 1.0)) == 1
