"""Headers of volume files that contradict themselves, or say too little, are refused before a library guesses."""

import gzip
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
import pytest
import SimpleITK as sitk
from numpy.typing import NDArray

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan.volume_files import check_volume_file, read_nifti

SIZE = (6, 5, 4)  # x, y, z
AFFINE = np.array([[-3.0, 0, 0, 30], [0, -3.0, 0, 40], [0, 0, 3.0, -50], [0, 0, 0, 1]])
VOXELS = (np.arange(np.prod(SIZE)).reshape(SIZE) * 7 - 400).astype(np.int16)


def nifti(
    path: Path,
    sform: NDArray[Any] | None = AFFINE,
    qform: NDArray[Any] | None = AFFINE,
    spacing: tuple[float, float, float] = (3.0, 3.0, 3.0),
    voxels: NDArray[Any] = VOXELS,
    **fields: Any,
) -> Path:
    """Write a header as it is given, which nibabel would mend."""
    header = nib.Nifti1Image(voxels, None).header
    header.set_sform(sform, 0 if sform is None else 1)
    header.set_qform(qform, 0 if qform is None else 1, strip_shears=True)
    header["pixdim"][1:4] = spacing
    header["vox_offset"], header["magic"] = 352, b"n+1"
    for name, value in fields.items():
        header[name] = value
    with path.open("wb") as file:
        header.write_to(file)
        file.write(b"\0" * (352 - file.tell()))
        file.write(voxels.tobytes(order="F"))
    return path


def refusal(path: Path) -> CannotMeasure:
    with pytest.raises(CannotMeasure) as caught:
        check_volume_file(path)
    assert path.name in str(caught.value) or caught.value.code == "scan.not_numbers"
    return caught.value


def test_a_nifti_lies_where_simpleitk_finds_it(tmp_path: Path) -> None:
    path = nifti(tmp_path / "ct.nii")
    volume, image = read_nifti(path), sitk.ReadImage(str(path))
    np.testing.assert_array_equal(volume.values, sitk.GetArrayFromImage(image))
    assert volume.spacing_mm == pytest.approx(image.GetSpacing())
    assert volume.origin_lps_mm == pytest.approx(image.GetOrigin())
    assert volume.direction is not None
    np.testing.assert_allclose(volume.direction.ravel(), image.GetDirection(), atol=1e-6)


def test_an_oblique_nifti_lies_where_simpleitk_finds_it_by_either_form(tmp_path: Path) -> None:
    turned = np.array(sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.2, -0.1, 0.3).GetMatrix()).reshape(3, 3)
    affine = AFFINE.copy()
    affine[:3, :3] = turned @ np.diag((0.7, 0.8, -2.5))
    for name, forms in (("s", {"qform": None}), ("q", {"sform": None}), ("both", {"qform": affine})):
        path = nifti(tmp_path / f"{name}.nii", **{"sform": affine, "qform": affine, **forms}, spacing=(0.7, 0.8, 2.5))
        volume, image = read_nifti(path), sitk.ReadImage(str(path))
        assert volume.direction is not None
        np.testing.assert_allclose(volume.direction.ravel(), image.GetDirection(), atol=1e-5)
        np.testing.assert_allclose(volume.origin_lps_mm, image.GetOrigin(), atol=1e-4)


@pytest.mark.parametrize("pitch_deg", [0.3, 2.0, 8.25, 19.0, 33.3, -12.7])
def test_a_pitched_nifti_with_a_qform_alone_is_not_tilted_by_rounding(pitch_deg: float, tmp_path: Path) -> None:
    turn = sitk.Euler3DTransform((0.0, 0.0, 0.0), float(np.radians(pitch_deg)), 0.0, 0.0)
    image = sitk.GetImageFromArray(VOXELS.T.copy())
    image.SetDirection(turn.GetMatrix())
    sitk.WriteImage(image, str(tmp_path / "made.nii"))
    content = bytearray((tmp_path / "made.nii").read_bytes())
    content[254:256] = b"\0\0"  # no sform
    path = tmp_path / "q.nii"
    path.write_bytes(content)
    found, there = read_nifti(path), sitk.ReadImage(str(path))
    assert found.direction is not None
    np.testing.assert_allclose(found.direction.ravel(), there.GetDirection(), atol=1e-6)


@pytest.mark.parametrize("version", [1, 2])
@pytest.mark.parametrize("order", ["<", ">"])
def test_both_versions_in_both_byte_orders_with_a_scale(version: int, order: str, tmp_path: Path) -> None:
    kind = nib.Nifti1Image if version == 1 else nib.Nifti2Image
    stored = (VOXELS.astype(np.int32) + 1024).astype(order + "u2")
    image = kind(stored, AFFINE, kind.header_class(endianness=order))
    image.header.set_data_dtype(order + "u2")
    image.header.set_slope_inter(1, -1024)
    nib.save(image, tmp_path / "ct.nii.gz")
    volume = read_nifti(tmp_path / "ct.nii.gz")
    direct = np.asanyarray(nib.load(tmp_path / "ct.nii.gz").dataobj)
    np.testing.assert_array_equal(volume.values, direct.T)


def test_whether_it_is_compressed_is_seen_not_named(tmp_path: Path) -> None:
    path = nifti(tmp_path / "ct.nii")
    (tmp_path / "packed.nii").write_bytes(gzip.compress(path.read_bytes()))
    (tmp_path / "plain.nii.gz").write_bytes(path.read_bytes())
    for name in ("packed.nii", "plain.nii.gz"):
        np.testing.assert_array_equal(read_nifti(tmp_path / name).values, VOXELS.T)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (3.0, 3.0, 5.0), (2.9, 3.0, 3.0)])
def test_voxel_sizes_that_disagree_are_named(spacing: tuple[float, float, float], tmp_path: Path) -> None:
    error = refusal(nifti(tmp_path / "ct.nii", qform=None, spacing=spacing))
    assert error.code == "file.pixdim_sform"
    assert "3 x 3 x 3 mm by sform" in str(error)


def moved(**entries: float) -> NDArray[Any]:
    affine = AFFINE.copy()
    for name, value in entries.items():
        affine["xyz".index(name[0]), 3] += value
    return affine


@pytest.mark.parametrize(
    "other", [moved(z=33.0), AFFINE @ np.diag([1, 1, -1, 1]), np.diag([3.0, 3.0, 3.0, 1.0])], ids=["up", "down", "axes"]
)
def test_forms_that_place_the_voxels_apart_are_refused(other: NDArray[Any], tmp_path: Path) -> None:
    assert refusal(nifti(tmp_path / "a.nii", sform=other)).code == "file.qform_sform"
    assert refusal(nifti(tmp_path / "b.nii", qform=other)).code == "file.qform_sform"


@pytest.mark.parametrize("decimals", [2, 3, 4])
def test_directions_with_few_decimals_are_no_shear(decimals: int, tmp_path: Path) -> None:
    turned = np.array(sitk.Euler3DTransform((0.0, 0.0, 0.0), 0.05, -0.03, 0.04).GetMatrix()).reshape(3, 3)
    affine = AFFINE.copy()
    affine[:3, :3] = np.round(turned @ np.diag((-1.0, -1.0, 1.0)), decimals) * 3
    volume = read_nifti(nifti(tmp_path / "ct.nii", sform=affine, qform=None))
    assert volume.direction is not None
    np.testing.assert_allclose(volume.direction.T @ volume.direction, np.eye(3), atol=1e-12)


def test_a_sheared_nifti_is_refused(tmp_path: Path) -> None:
    sheared = AFFINE.copy()
    sheared[1, 2] = 3 * np.tan(np.radians(3))
    assert refusal(nifti(tmp_path / "ct.nii", sform=sheared, qform=None)).code == "scan.axes_not_perpendicular"


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_voxels_that_are_no_numbers_are_seen_as_they_are_stored(bad: float, tmp_path: Path) -> None:
    voxels = VOXELS.astype(np.float32)
    voxels[2, 2, 2] = bad
    error = refusal(nifti(tmp_path / "ct.nii", voxels=voxels))
    assert (error.code, error.facts["voxels"]) == ("scan.not_numbers", 1)


@pytest.mark.parametrize(("units", "told"), [(1, "m"), (3, "um")])
def test_other_units_than_millimetres_are_refused(units: int, told: str, tmp_path: Path) -> None:
    error = refusal(nifti(tmp_path / "ct.nii", xyzt_units=units))
    assert (error.code, error.facts["units"]) == ("file.units", told)


def test_a_nifti_cut_short_or_with_a_damaged_header_is_refused(tmp_path: Path) -> None:
    whole = nifti(tmp_path / "ct.nii").read_bytes()
    packed = gzip.compress(whole)
    for number, content in enumerate(
        (whole[:-1], whole[:300], b"", packed[:-9], packed[:40], b"\x1f\x8bxxxxx", b"\0" * 600)
    ):
        path = tmp_path / f"{number}.nii"
        path.write_bytes(content)
        assert refusal(path).code == "scan.damaged_volume"
    assert refusal(nifti(tmp_path / "huge.nii", dim=[3, 30000, 30000, 30000, 1, 1, 1, 1])).code == "scan.damaged_volume"


NRRD = {
    "type": "int16",
    "dimension": "3",
    "space": "left-posterior-superior",
    "sizes": "6 5 4",
    "space directions": "(3,0,0) (0,3,0) (0,0,3)",
    "kinds": "domain domain domain",
    "endian": "little",
    "encoding": "raw",
    "space origin": "(0,0,0)",
}


def nrrd(path: Path, **fields: str) -> Path:
    values = NRRD | {name.replace("_", " "): value for name, value in fields.items()}
    header = "NRRD0004\n# a comment\n" + "".join(f"{name}: {value}\n" for name, value in values.items())
    path.write_bytes((header + "key:=a:b\n\n").encode() + VOXELS.tobytes())
    return path


@pytest.mark.parametrize("space", ["left-posterior-superior", "right-anterior-superior", "LAS", "RAS"])
def test_an_nrrd_in_a_space_of_the_patient_is_let_pass(space: str, tmp_path: Path) -> None:
    check_volume_file(nrrd(tmp_path / "ct.nrrd", space=space))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"space": "scanner-xyz"}, "file.space_of_no_patient"),
        ({"space": "3D-right-handed"}, "file.space_of_no_patient"),
        ({"space_units": '"cm" "cm" "cm"'}, "file.units"),
        ({"space_directions": "(3,0,0) (0,3,0) (0,0.3,3)"}, "scan.axes_not_perpendicular"),
        ({"space_directions": "(3,0,0) (0,0,0) (0,0,3)"}, "file.axes_vanish"),
        ({"space_directions": "(3,0,0) (nan,3,0) (0,0,3)"}, "file.axes_vanish"),
        ({"space_directions": "(3,0,0) none (0,0,3)"}, "scan.damaged_volume"),
        ({"data_file": "voxels.raw"}, "scan.detached_header"),
        ({"sizes": "6 5"}, "scan.damaged_volume"),
        ({"dimension": "999", "sizes": " ".join(["1"] * 999)}, "scan.several_volumes"),
        ({"encoding": "zip"}, "scan.damaged_volume"),
        ({"sizes": "6 5 " + "4" * 1000}, "scan.damaged_volume"),
    ],
)
def test_an_nrrd_that_says_too_little_or_too_much_is_refused(fields: dict[str, str], code: str, tmp_path: Path) -> None:
    assert refusal(nrrd(tmp_path / "ct.nrrd", **fields)).code == code


MHA = {
    "ObjectType": "Image",
    "NDims": "3",
    "BinaryData": "True",
    "TransformMatrix": "1 0 0 0 1 0 0 0 1",
    "Offset": "0 0 0",
    "ElementSpacing": "3 3 3",
    "DimSize": "6 5 4",
    "ElementType": "MET_SHORT",
}


def mha(path: Path, last: str = "LOCAL", **fields: str) -> Path:
    header = "".join(f"{name} = {value}\n" for name, value in (MHA | fields).items())
    path.write_bytes((header + f"ElementDataFile = {last}\n").encode() + VOXELS.tobytes())
    return path


def test_a_plain_mha_is_let_pass(tmp_path: Path) -> None:
    check_volume_file(mha(tmp_path / "ct.mha"))
    check_volume_file(mha(tmp_path / "ct.mha", DistanceUnits="mm", ElementToIntensityFunctionSlope="1"))


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"DistanceUnits": "cm"}, "file.units"),
        ({"ElementToIntensityFunctionSlope": "2"}, "file.scaled_values"),
        ({"ElementToIntensityFunctionOffset": "-1024"}, "file.scaled_values"),
        ({"ElementToIntensityFunctionSlope": "two"}, "scan.damaged_volume"),
        ({"TransformMatrix": "1 0 0 0 1 0 0 0.05 1"}, "scan.axes_not_perpendicular"),
        ({"TransformMatrix": "1 0 0 0 1 0"}, "scan.damaged_volume"),
        ({"NDims": "999"}, "scan.damaged_volume"),
        ({"last": "voxels.raw"}, "scan.detached_header"),
        ({"last": "LIST"}, "scan.detached_header"),
        ({"Comment": "x" * 20000}, "scan.damaged_volume"),
    ],
)
def test_an_mha_that_says_too_little_or_too_much_is_refused(fields: dict[str, str], code: str, tmp_path: Path) -> None:
    assert refusal(mha(tmp_path / "ct.mha", **fields)).code == code


@pytest.mark.parametrize("field", ["kinds: {}", "space directions: (3,0,0) {}", "unknown: {}"])
def test_a_long_field_does_not_reach_the_reader_that_it_would_crash(field: str, tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(VOXELS)
    sitk.WriteImage(image, str(tmp_path / "ct.nrrd"))
    name = field.split(":")[0].encode()
    lines = (tmp_path / "ct.nrrd").read_bytes().split(b"\n")
    end = lines.index(b"")
    kept = [line for line in lines[:end] if not line.startswith(name)]
    path = tmp_path / "long.nrrd"
    path.write_bytes(b"\n".join([*kept, field.format("x" * 2000).encode(), *lines[end:]]))
    assert refusal(path).code == "scan.damaged_volume"


def test_long_texts_of_a_writer_are_let_pass(tmp_path: Path) -> None:
    image = sitk.GetImageFromArray(VOXELS)
    image.SetMetaData("Segment0_Tags", "Segmentation.Status:inprogress|" * 100)
    sitk.WriteImage(image, str(tmp_path / "ct.nrrd"))
    check_volume_file(tmp_path / "ct.nrrd")


@pytest.mark.parametrize(("ending", "field"), [(".nrrd", b"sizes: "), (".mha", b"DimSize = ")])
def test_more_voxels_than_the_file_can_hold_are_refused(ending: str, field: bytes, tmp_path: Path) -> None:
    path = tmp_path / f"ct{ending}"
    sitk.WriteImage(sitk.GetImageFromArray(VOXELS), str(path))
    path.write_bytes(path.read_bytes().replace(field + b"4 5 6", field + b"99999 99999 99999"))
    assert refusal(path).code == "scan.damaged_volume"
