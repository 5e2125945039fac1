"""Damaged inputs of every kind that the engine reads, each from one seed: the same number gives the same bytes."""

import json
import random
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import SimpleITK as sitk
from pydicom.datadict import dictionary_VR, tag_for_keyword
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.filewriter import dcmwrite
from pydicom.tag import Tag

from helpers_dicom import as_image, datasets, torso
from ldct_bmd.calibration.files import calibration_to_dict
from ldct_bmd.calibration.nominal import NOMINAL
from places import ROOT

RECORDS = ROOT / "Testing" / "engine" / "examination" / "data"
WORDS = (
    b"-1", b"0", b"1", b"999", b"1e999", b"nan", b"inf", b"-0.0", b"1e30", b"4294967296", b"9" * 30, b"", b" ",
    b"x" * 1000,
    b"%s%n", b"\xff\xfe", b"0\xb2Y", b"3,0", b"1\\1", b"2 2 2 2 2", b"(1,0,0)", b"(0,0,0) (0,0,0) (0,0,0)",
    b"none none none", b"()", b"unsigned char", b"double", b"gzip", b"bz2", b"raw", b"hex", b"MET_FLOAT", b"MET_OTHER",
    b"True", b"LOCAL",
    b"LIST", b"scanner-xyz", b"A" * 70, "骨密度".encode(), b"\x1b[31m",
)  # fmt: skip
KEYS = (
    b"dimension", b"sizes", b"type", b"spacings", b"space dimension", b"space units", b"kinds", b"labels", b"endian",
    b"encoding", b"byte skip", b"line skip", b"measurement frame", b"space origin", b"content", b"unknown",
    b"NDims", b"DimSize", b"ElementType", b"ElementNumberOfChannels", b"HeaderSize", b"CompressedDataSize",
    b"CompressedData", b"BinaryDataByteOrderMSB", b"ElementSpacing", b"Offset", b"Comment", b"TransformMatrix",
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 1e30, -1e-30, 10**400, "", "x", "\ud800", "骨", [], {}, [[]], [1, 2], {"a": 1},
    "NaN", "2024-13-45",
)  # fmt: skip
TAGS = (
    "Rows", "Columns", "BitsAllocated", "BitsStored", "HighBit", "PixelRepresentation", "SamplesPerPixel",
    "NumberOfFrames", "PixelSpacing", "ImagePositionPatient", "ImageOrientationPatient", "RescaleSlope",
    "RescaleIntercept", "RescaleType", "PixelPaddingValue", "PixelPaddingRangeLimit", "InstanceNumber",
    "AcquisitionNumber", "SliceThickness", "SliceLocation", "GantryDetectorTilt", "ReconstructionDiameter", "KVP",
    "PatientAge", "PatientName", "PatientID", "PatientBirthDate", "StudyDate", "AcquisitionDateTime", "ImageType",
    "SpecificCharacterSet", "Modality", "SOPClassUID", "SOPInstanceUID", "SeriesInstanceUID", "StudyInstanceUID",
    "ConvolutionKernel", "SeriesDescription", "PhotometricInterpretation", "SeriesNumber",
)  # fmt: skip
Kind = Callable[[random.Random, Path], Path]


@cache
def _series() -> tuple[bytes, ...]:
    made = []
    for dataset in datasets(as_image(torso())):
        with tempfile.TemporaryFile() as stream:
            dcmwrite(stream, dataset, enforce_file_format=True)
            stream.seek(0)
            made.append(stream.read())
    return tuple(made)


@cache
def _volume(ending: str, is_map: bool = False) -> bytes:
    image = as_image(torso())
    if is_map:
        image = sitk.Cast((image > 150) * 20, sitk.sitkUInt16)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"ct{ending}"
        sitk.WriteImage(image, str(path))
        return path.read_bytes()


def damaged(content: bytes, rng: random.Random) -> bytes:
    """Return bytes with some changed, cut, repeated, zeroed or put in."""
    made = bytearray(content)
    for _ in range(rng.choice((1, 1, 2, 8))):
        at = rng.randrange(len(made) or 1) if rng.random() < 0.5 else rng.randrange(min(600, len(made) or 1))
        match rng.randrange(6):
            case 0:
                made[at : at + 1] = bytes([rng.randrange(256)])
            case 1:
                made[at : at + 4] = rng.choice((b"\xff\xff\xff\xff", b"\0\0\0\0", b"\0\0\x80\x7f", b"\xff\xff\xff\x7f"))
            case 2:
                del made[at : at + rng.choice((1, 2, 100))]
            case 3:
                made[at:at] = made[at : at + rng.choice((1, 8, 132))]
            case 4:
                del made[at:]
            case _:
                made[at : at + 64] = bytes(64)
    return bytes(made)


def dicom_tags(rng: random.Random, folder: Path) -> Path:
    """A series whose slices have impossible values in their tags, all, one or some of them."""
    made = datasets(as_image(torso()))
    hit = rng.choice(([0], [len(made) - 1], [5], range(len(made)), rng.sample(range(len(made)), 3)))
    for keyword in rng.sample(TAGS, rng.choice((1, 1, 2, 4))):
        value = rng.choice(WORDS)
        gone = rng.random() < 0.15
        for k in hit:
            _set(made[k], keyword, None if gone else value)
    for k, dataset in enumerate(made):
        dataset["PixelData"].VR = "OW"  # else the writer asks the damaged tags for it
        with (folder / f"{k:03d}").open("wb") as stream:
            dcmwrite(stream, dataset, enforce_file_format=False)
    return folder


def _set(dataset: Dataset, keyword: str, value: bytes | None) -> None:
    """Put raw bytes where a value stands, past the checks of the library."""
    tag = Tag(tag_for_keyword(keyword) or 0)
    dataset.pop(tag, None)
    if value is None:
        return
    vr = dictionary_VR(tag)
    vr = vr.split()[0]
    raw = value + b" " * (len(value) % 2)
    dataset[tag] = RawDataElement(tag, vr, len(raw), raw, 0, False, True)


def dicom_bytes(rng: random.Random, folder: Path) -> Path:
    """A series with damaged files."""
    files = list(_series())
    for k in rng.sample(range(len(files)), rng.choice((1, 1, 3, len(files)))):
        files[k] = damaged(files[k], rng)
    for k, content in enumerate(files):
        (folder / f"{k:03d}.dcm").write_bytes(content)
    return folder


def dicom_folder(rng: random.Random, folder: Path) -> Path:
    """A series with slices that are lost, doubled, empty or elsewhere, and things that are no slices."""
    for k, content in enumerate(_series()):
        name, where = f"{k:03d}.dcm", folder
        match rng.randrange(30):
            case 0:
                continue
            case 1:
                content = b""
            case 2:
                (folder / f"again_{k}").write_bytes(content)
            case 3:
                where = folder / rng.choice(("a", "a/b", "c d", "骨"))
            case 4:
                name = rng.choice((f"{k}.nii", "DICOMDIR", f"{k}\n{k}", f".{k}"))
            case 5:
                content = rng.choice((b"\0" * 4096, b"version https://git-lfs", content[:132], content[:400]))
        where.mkdir(parents=True, exist_ok=True)
        (where / name).write_bytes(content)
    if rng.random() < 0.3:
        (folder / "loop").symlink_to(folder)
    return folder


def nifti(rng: random.Random, folder: Path) -> Path:
    """A NIfTI file with a damaged header or voxels."""
    path = folder / rng.choice(("ct.nii", "ct.nii.gz"))
    path.write_bytes(damaged(_volume(rng.choice((".nii", ".nii.gz"))), rng))
    return path


def text_volume(ending: str, is_map: bool = False) -> Kind:
    """Return the kind of an NRRD or MHA file whose lines are wrong."""
    split, colon = (b"\n\n", b":") if ending == ".nrrd" else (b"LOCAL\n", b"=")

    def make(rng: random.Random, folder: Path) -> Path:
        content = _volume(ending, is_map)
        end = content.index(split) + len(split)
        head, voxels = content[:end], content[end:]
        for _ in range(rng.choice((1, 1, 2, 3))):
            head = _other_line(head, colon, rng)
        path = folder / f"volume{ending}"
        path.write_bytes(head + (damaged(voxels, rng) if rng.random() < 0.1 else voxels))
        return path

    return make


def _other_line(head: bytes, colon: bytes, rng: random.Random) -> bytes:
    lines = head.split(b"\n")
    at = rng.randrange(max(1, len(lines) - 2))
    name, _, value = lines[at].partition(colon)
    words = value.split() or [b""]
    words[rng.randrange(len(words))] = rng.choice(WORDS)
    match rng.randrange(7):
        case 0:
            lines[at] = name + colon + b" " + rng.choice(WORDS)
        case 1 | 2:
            lines[at] = name + colon + b" " + b" ".join(words)
        case 3:
            lines.insert(at + 1, rng.choice(KEYS) + colon + b" " + rng.choice(WORDS))
        case 4:
            del lines[at]
        case 5:
            lines[at] *= rng.choice((2, 50))
        case _:
            lines[at] = damaged(lines[at] or b" ", rng)
    return b"\n".join(lines)


def label_nifti(rng: random.Random, folder: Path) -> Path:
    """A label map with a damaged header or voxels."""
    path = folder / "labels.nii.gz"
    path.write_bytes(damaged(_volume(rng.choice((".nii", ".nii.gz")), is_map=True), rng))
    return path


def calibration(rng: random.Random, folder: Path) -> Path:
    """A calibration file with impossible values."""
    return _json(calibration_to_dict(NOMINAL), rng, folder / "calibration.json")


def record(rng: random.Random, folder: Path) -> Path:
    """A record with impossible values."""
    text = rng.choice(sorted(RECORDS.glob("*.json"))).read_text(encoding="utf-8")
    return _json(json.loads(text), rng, folder / "record.json")


def _json(values: Any, rng: random.Random, path: Path) -> Path:
    for _ in range(rng.choice((1, 1, 2))):
        _change(values, rng)
    content = json.dumps(values, indent=2).encode()
    match rng.randrange(12):
        case 0:
            content = damaged(content, rng)
        case 1:
            content = content.replace(b": 1", b": " + rng.choice((b"1e999", b"NaN", b"9" * 5000, b"[" * 5000)), 1)
        case 2:
            content = b'{"a":' * 3000 + content + b"}" * 3000
    path.write_bytes(content)
    return path


def _change(values: Any, rng: random.Random) -> None:
    while isinstance(values, dict | list) and values:
        key = rng.choice(list(values)) if isinstance(values, dict) else rng.randrange(len(values))
        inner = values[key]
        if not (isinstance(inner, dict | list) and inner) or rng.random() < 0.2:
            if rng.random() < 0.2:
                del values[key]
            else:
                values[key] = rng.choice(VALUES)
            return
        values = inner


KINDS: dict[str, Kind] = {
    "dicom tags": dicom_tags,
    "dicom bytes": dicom_bytes,
    "dicom folder": dicom_folder,
    "nifti": nifti,
    "nrrd": text_volume(".nrrd"),
    "mha": text_volume(".mha"),
    "label nifti": label_nifti,
    "label nrrd": text_volume(".nrrd", is_map=True),
    "calibration": calibration,
    "record": record,
}
