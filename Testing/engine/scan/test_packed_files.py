"""A small file may unpack to more than a machine has memory: told in a sentence before it does."""

import gzip
import struct
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from helpers_cli import environment
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan.volume_files import check_volume_file

VOXELS = np.random.default_rng(0).normal(40.0, 20.0, (40, 30, 20)).astype("<i2")
MEGABYTE = bytes(1 << 20)
MOST_MEMORY_MB = 256  # above what the libraries take by themselves
READ = """
import resource, sys
from pathlib import Path
from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.scan.image_files import read_image_file
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
try:
    read_image_file(Path(sys.argv[1]))
except CannotMeasure as refusal:
    print(refusal.code)
print((resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def nifti_header(size: tuple[int, int, int]) -> bytes:
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *size, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, 1, 1, 1, 1, 0, 0, 0, 0)
    struct.pack_into("<f", header, 108, 352)
    struct.pack_into("<2h", header, 252, 0, 1)
    struct.pack_into("<12f", header, 280, -1, 0, 0, 0, 0, -1, 0, 0, 0, 0, 1, 0)
    header[344:348] = b"n+1\0"
    return bytes(header)


def nrrd_header(size: tuple[int, int, int], encoding: str = "gzip") -> bytes:
    lines = (
        *("NRRD0005", "type: short", "dimension: 3", "space: left-posterior-superior"),
        *(f"sizes: {size[0]} {size[1]} {size[2]}", "space directions: (1,0,0) (0,1,0) (0,0,1)"),
        *("endian: little", f"encoding: {encoding}", "space origin: (0,0,0)", "", ""),
    )
    return "\n".join(lines).encode()


def packed(path: Path, size: tuple[int, int, int], megabytes: int) -> Path:
    """Write ``VOXELS`` and as many megabytes of zeros behind them, packed, under a header that says ``size``."""
    is_nifti = path.name.endswith(".nii.gz")
    with path.open("wb") as file:
        if not is_nifti:
            file.write(nrrd_header(size))
        with gzip.GzipFile(fileobj=file, mode="wb", compresslevel=1) as stream:
            stream.write(nifti_header(size) if is_nifti else b"")
            stream.write(VOXELS.tobytes())
            for _ in range(megabytes):
                stream.write(MEGABYTE)
    return path


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd"])
@pytest.mark.parametrize(
    ("size", "megabytes", "code"),
    [
        ((20, 30, 40), 512, "file.more_than_declared"),
        ((1000, 1000, 1000), 1024, "file.unpacks_too_large"),
    ],
)
def test_a_file_that_unpacks_to_far_more_is_refused_without_the_memory_for_it(
    name: str, size: tuple[int, int, int], megabytes: int, code: str, tmp_path: Path
) -> None:
    path = packed(tmp_path / name, size, megabytes)
    told = subprocess.run(
        [sys.executable, "-c", READ, str(path)], env=environment(), capture_output=True, text=True, check=True
    ).stdout.split()
    assert told[0] == code
    assert int(told[1]) < MOST_MEMORY_MB


@pytest.mark.parametrize("name", ["ct.nii.gz", "ct.nrrd"])
def test_what_a_writer_pads_and_what_comes_in_several_parts_is_let_pass(name: str, tmp_path: Path) -> None:
    path = packed(tmp_path / name, (20, 30, 40), 1)
    check_volume_file(path)
    header, content = (nifti_header, b"") if name == "ct.nii.gz" else (lambda _: b"", nrrd_header((20, 30, 40)))
    halves = (header((20, 30, 40)) + VOXELS.tobytes()[:1000], VOXELS.tobytes()[1000:])
    path.write_bytes(content + b"".join(map(gzip.compress, halves)))  # as pigz and bgzip write them
    check_volume_file(path)


def test_a_damaged_stream_that_says_another_size_is_damaged(tmp_path: Path) -> None:
    path = packed(tmp_path / "ct.nrrd", (20, 30, 40), 0)
    whole = path.read_bytes()
    path.write_bytes(whole[:-4000] + b"\0" * 3000 + whole[-1000:-4] + b"\1\2\3\4")
    with pytest.raises(CannotMeasure) as caught:
        check_volume_file(path)
    assert caught.value.code == "scan.damaged_volume"
