"""NIfTI-1 and NIfTI-2: https://nifti.nimh.nih.gov/nifti-1, https://nifti.nimh.nih.gov/nifti-2."""

import gzip
import math
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from ...ground.errors import CannotMeasure
from ...ground.files import open_regular
from .axes import check_axes, lengths
from .unpacked import BLOCK, check_end, check_promise

NIFTI_ENDINGS = (".nii", ".nii.gz")
GZIP_MAGIC = b"\x1f\x8b"
UNITS = {1: "m", 3: "um"}  # xyzt_units, lowest three bits, other than 2 (mm) and 0 (not said)
KINDS = {  # of voxels, by datatype
    2: "u1",
    4: "i2",
    8: "i4",
    16: "f4",
    64: "f8",
    256: "i1",
    512: "u2",
    768: "u4",
    1024: "i8",
    1280: "u8",
}
ROUNDING = 1e-6  # of float32
LEAST_REAL_PART = 1e-7  # its square, under which it is rounding alone (nifti_quatern_to_mat44)
# Two decimals of a direction change the length of an axis by 0.7 %.
LENGTH_TOLERANCE = 0.01
MOST_VOXELS = 1 << 16  # along one axis
_LONGEST_HEADER = 540


@dataclass(frozen=True)
class NiftiHeader:
    """What places and interprets the voxels; matrices are 4 x 4 in RAS mm, None where their code is 0."""

    order: str  # "<" or ">"
    datatype: int
    bits: int
    size: tuple[int, ...]
    spacing_mm: tuple[float, float, float]
    offset: int
    units: int
    scale: tuple[float, float]  # slope and intercept; none if the slope is 0, or one is no number
    qform: NDArray[np.float64] | None
    sform: NDArray[np.float64] | None

    @property
    def voxel_bytes(self) -> int:
        """Bytes that the voxels take."""
        return int(np.prod(self.size, dtype=object)) * self.bits // 8


@dataclass(frozen=True)
class NiftiVolume:
    """The voxels of a NIfTI file and where they lie.

    Attributes:
        values: (z, y, x), scaled as the header says; whole numbers where nothing is scaled.
        direction: 3 x 3, orthonormal; column i is the LPS direction of index axis i. None if the file does not say.
    """

    values: NDArray[Any]
    bits: int
    spacing_mm: tuple[float, float, float]
    origin_lps_mm: tuple[float, float, float]
    direction: NDArray[np.float64] | None


def read_nifti(path: Path) -> NiftiVolume:
    """Read a NIfTI file of one volume, its voxels as they are stored.

    Raises:
        CannotMeasure: it is cut short or damaged, contradicts itself, or holds voxels that are no numbers.
    """
    file = path.name
    try:
        with _opened(path) as stream:
            start = stream.read(_LONGEST_HEADER)
            header = read_header(start, file)
            _check_grid(header, file)
            if isinstance(stream, gzip.GzipFile):
                check_promise(math.prod(header.size), path)
            values = _voxels(header, start + _read(stream, header.offset + header.voxel_bytes - len(start)), file)
            check_end(stream, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CannotMeasure("scan.damaged_volume", file=file) from error
    affine = header.sform if header.sform is not None else header.qform
    if affine is None:
        return NiftiVolume(values, header.bits, header.spacing_mm, (0.0, 0.0, 0.0), None)
    lps = np.diag([-1.0, -1.0, 1.0, 1.0]) @ affine
    x, y, z = (float(value) for value in lps[:3, 3])
    return NiftiVolume(values, header.bits, header.spacing_mm, (x, y, z), _orthonormal(lps[:3, :3]))


def _orthonormal(columns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the directions of the columns; where few decimals made them a little oblique, the nearest that are not."""
    unit = columns / lengths(columns)
    if np.abs(unit.T @ unit - np.eye(3)).max() < ROUNDING:
        return unit
    left, _, right = np.linalg.svd(unit)
    nearest: NDArray[np.float64] = left @ right
    return nearest


def _voxels(header: NiftiHeader, content: bytes, file: str) -> NDArray[Any]:
    """Return the voxels (z, y, x): libraries put zeros for what is missing and for what is no number."""
    kind = KINDS.get(header.datatype)
    if kind is None:
        raise CannotMeasure("scan.several_values", file=file, values=header.bits // 8)
    if len(content) < header.offset + header.voxel_bytes or np.dtype(kind).itemsize * 8 != header.bits:
        raise CannotMeasure("scan.damaged_volume", file=file)
    x, y, z = header.size[:3]
    stored = np.frombuffer(content, dtype=header.order + kind, count=x * y * z, offset=header.offset)
    values = stored.reshape(z, y, x)
    bad = int(values.size - np.count_nonzero(np.isfinite(values))) if kind[0] == "f" else 0
    if bad:
        raise CannotMeasure("scan.not_numbers", voxels=bad)
    slope, intercept = header.scale
    if slope == 0.0 or not np.isfinite(header.scale).all() or header.scale == (1.0, 0.0):
        return values
    return values * slope + intercept


@contextmanager
def _opened(path: Path) -> Iterator[gzip.GzipFile | BinaryIO]:
    """Open a NIfTI file, compressed or not, whatever its name says."""
    with open_regular(path) as stream:
        packed = stream.read(2) == GZIP_MAGIC
        stream.seek(0)
        yield gzip.GzipFile(fileobj=stream) if packed else stream


def _read(stream: gzip.GzipFile | BinaryIO, count: int) -> bytes:
    """Return up to ``count`` bytes, in blocks: a damaged header asks for more than there is memory."""
    blocks = []
    while count > 0 and (block := stream.read(min(count, BLOCK))):
        blocks.append(block)
        count -= len(block)
    return b"".join(blocks)


def read_header(start: bytes, file: str) -> NiftiHeader:
    """Return the header in the first 540 bytes of a file; CannotMeasure if there is none."""
    for order in "<>":
        length = struct.unpack_from(f"{order}i", start)[0] if len(start) >= 348 else 0
        if length == 348 and start[344:347] in (b"n+1", b"ni1"):
            if start[344:347] == b"ni1":
                raise CannotMeasure("scan.detached_header", file=file)
            return _nifti_1(start, order)
        if length == 540 and len(start) >= 540 and start[4:7] == b"n+2":
            return _nifti_2(start, order)
    raise CannotMeasure("scan.damaged_volume", file=file)


def _nifti_1(start: bytes, order: str) -> NiftiHeader:
    def values(code: str, at: int) -> tuple[float, ...]:
        return struct.unpack_from(order + code, start, at)

    dim, pixdim = values("8h", 40), values("8f", 76)
    (datatype,), (bits,), (offset,) = values("h", 70), values("h", 72), values("f", 108)
    qcode, scode = values("2h", 252)
    return NiftiHeader(
        order, int(datatype), int(bits), _size(dim), _triple(pixdim[1:4]), _whole(offset), start[123] & 7,
        (values("f", 112)[0], values("f", 116)[0]),
        _quaternion(values("3f", 256), values("3f", 268), pixdim) if qcode else None,
        _affine(values("12f", 280)) if scode else None,
    )  # fmt: skip


def _nifti_2(start: bytes, order: str) -> NiftiHeader:
    def values(code: str, at: int) -> tuple[float, ...]:
        return struct.unpack_from(order + code, start, at)

    dim, pixdim = values("8q", 16), values("8d", 104)
    (datatype,), (bits,), (offset,), (units,) = values("h", 12), values("h", 14), values("q", 168), values("i", 500)
    qcode, scode = values("2i", 344)
    return NiftiHeader(
        order, int(datatype), int(bits), _size(dim), _triple(pixdim[1:4]), _whole(offset), int(units) & 7,
        (values("d", 176)[0], values("d", 184)[0]),
        _quaternion(values("3d", 352), values("3d", 376), pixdim) if qcode else None,
        _affine(values("12d", 400)) if scode else None,
    )  # fmt: skip


def _size(dim: tuple[float, ...]) -> tuple[int, ...]:
    count = int(dim[0])
    return tuple(int(n) for n in dim[1 : 1 + count]) if 1 <= count <= 7 else ()


def _triple(values: tuple[float, ...]) -> tuple[float, float, float]:
    x, y, z = (float(value) for value in values)
    return x, y, z


def _whole(offset: float) -> int:
    return int(offset) if np.isfinite(offset) and 0 <= offset < 2**40 else -1


def _affine(rows: tuple[float, ...]) -> NDArray[np.float64]:
    return np.vstack([np.asarray(rows, dtype=np.float64).reshape(3, 4), [0.0, 0.0, 0.0, 1.0]])


def _quaternion(bcd: tuple[float, ...], origin: tuple[float, ...], pixdim: tuple[float, ...]) -> NDArray[np.float64]:
    """Return method 2 of the standard: the rotation of a unit quaternion, voxel sizes, and qfac in pixdim[0]."""
    b, c, d = bcd
    rest = 1.0 - (b * b + c * c + d * d)
    if rest < LEAST_REAL_PART:  # a half turn, as the reference library takes it: rounding would tilt it
        b, c, d = (value / float(np.sqrt(b * b + c * c + d * d)) for value in bcd)
        rest = 0.0
    a = float(np.sqrt(rest))
    rotation = np.array(
        [
            [a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)],
            [2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)],
            [2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - b * b - c * c],
        ]
    )
    affine = np.eye(4)
    affine[:3, :3] = rotation * (pixdim[1], pixdim[2], (-1.0 if pixdim[0] < 0 else 1.0) * pixdim[3])
    affine[:3, 3] = origin
    return affine


def _check_grid(header: NiftiHeader, file: str) -> None:
    if header.units in UNITS:
        raise CannotMeasure("file.units", file=file, field="xyzt_units", units=UNITS[header.units])
    _check_size(header, file)
    if not np.isfinite(header.spacing_mm).all() or min(header.spacing_mm) <= 0:
        raise CannotMeasure("file.axes_vanish", file=file)
    _check_affines(header, file)


def _check_size(header: NiftiHeader, file: str) -> None:
    size = header.size
    if len(size) < 1 or min(size) < 1 or max(size) > MOST_VOXELS or header.bits < 1 or header.offset < 0:
        raise CannotMeasure("scan.damaged_volume", file=file)
    if len(size) > 4 and size[3] == 1 and size[4] > 1:
        raise CannotMeasure("scan.several_values", file=file, values=size[4])
    if len(size) > 3 and max(size[3:]) > 1:
        raise CannotMeasure("scan.several_volumes", file=file, dimensions=len(size))
    if len(size) < 3 or min(size[:3]) < 2:
        raise CannotMeasure("scan.file_of_one_image", file=file)


def _check_affines(header: NiftiHeader, file: str) -> None:
    """Refuse a qform or an sform that is no grid, or that contradicts the other or the voxel sizes."""
    sform, qform = header.sform, header.qform
    for affine in (sform, qform):
        if affine is not None:
            check_axes(affine[:3, :3], file)
            if not np.isfinite(affine).all():
                raise CannotMeasure("file.axes_vanish", file=file)
    if sform is not None:
        stated_mm, other_mm = np.asarray(header.spacing_mm), lengths(sform[:3, :3])
        if not np.allclose(other_mm, stated_mm, rtol=LENGTH_TOLERANCE, atol=0.0):
            raise CannotMeasure(
                "file.pixdim_sform", file=file, pixdim_mm=_listed(stated_mm), sform_mm=_listed(other_mm)
            )
    if sform is not None and qform is not None:
        corners = np.array([[x, y, z, 1.0] for x in (0, 1) for y in (0, 1) for z in (0, 1)])
        corners[:, :3] *= np.asarray(header.size[:3]) - 1
        apart_mm = float(np.linalg.norm(corners @ (sform - qform).T, axis=1).max())
        if apart_mm > lengths(sform[:3, :3]).max():
            raise CannotMeasure("file.qform_sform", file=file, apart_mm=apart_mm)


def _listed(values: NDArray[np.float64]) -> str:
    return " x ".join(f"{value:.4g}" for value in values)
