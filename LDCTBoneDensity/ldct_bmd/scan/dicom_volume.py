"""Decoding the slices of one DICOM volume straight into one array of Hounsfield units in the engine's frame."""

from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import closing
from io import BytesIO
from itertools import islice
from typing import Any

import numpy as np
import pydicom
from numpy.typing import NDArray
from pydicom.dataset import Dataset
from pydicom.uid import ExplicitVRLittleEndian, ImplicitVRLittleEndian, JPEGLSLossless, JPEGLSNearLossless

from ..ground.errors import CannotMeasure
from ..ground.files import open_regular, read_regular
from ..ground.progress import Progress, silent
from .ct_scan import Geometry
from .dicom_headers import DAMAGED, SliceHeader
from .dicom_stack import Stack
from .frame import axes_to_lps

AIR_HU = -1024
MOST_HU = 70000  # 16 bits from -1024 or -8192 on; extended scales of metal end at 30,710 HU
# Padding in this range, or that spans it, could as well be tissue, so it is left as it is.
_TISSUE_HU = (-900.0, 3000.0)
_INT16 = np.iinfo(np.int16)
_END_OF_IMAGE = b"\xff\xd9"
_LEAST_PIXELS = 1024  # bytes
_LONGEST_NAME = 64
_PIXEL_DATA = b"\xe0\x7f\x10\x00"  # (7FE0,0010), little endian
_LONGEST_START = 12  # bytes of an element before its value
_PLAIN_SYNTAXES = (ImplicitVRLittleEndian, ExplicitVRLittleEndian)
_PLAIN_NUMBERS = (("BitsAllocated", 16.0), ("SamplesPerPixel", 1.0))
_STORED_BITS = range(1, 17)
_PLAIN_TYPES: dict[float | None, str] = {0.0: "<u2", 1.0: "<i2"}  # by PixelRepresentation
_WORKERS = 2
_AHEAD = 6

HU = NDArray[np.int16] | NDArray[np.float32]


def read_volume(stack: Stack, progress: Progress = silent) -> tuple[HU, Geometry]:
    """Decode a stack; returns (z, y, x) in the engine's frame and its grid.

    int16 where every rescaled value is a whole number in range, else float32. Memory: the volume and a few slices.
    """
    axis_map = axes_to_lps(stack.geometry)
    geometry = axis_map.geometry(stack.geometry)
    hu: HU = np.empty(geometry.shape, dtype=np.int16)
    if not _filled(axis_map.inverse().view(hu), stack.slices, progress):
        hu = np.empty(geometry.shape, dtype=np.float32)
        if not _filled(axis_map.inverse().view(hu), stack.slices, progress):
            raise TypeError("decoded slices are int16 or float32")
    return hu, geometry


def _filled(stored: HU, slices: Sequence[SliceHeader], progress: Progress) -> bool:
    """Decode every slice into its place in ``stored`` (slices, rows, columns); False where its type can't hold one."""

    def place(k: int) -> bool:
        values = decode_hu(slices[k])
        if values.shape != stored.shape[1:]:
            raise CannotMeasure("scan.pixels_of_other_size", file=slices[k].path.name)
        fits = np.can_cast(values.dtype, stored.dtype)
        if fits:
            stored[k] = values
        return fits

    # Closed at once when progress cancels, so that no thread decodes on.
    with closing(_ahead(place, len(slices))) as placed:
        for k, fits in enumerate(placed):
            if not fits:
                return False
            progress("read", 0.1 + 0.9 * (k + 1) / len(slices))
    return True


def _ahead(work: Callable[[int], bool], count: int) -> Generator[bool, None, None]:
    """Do the work on each slice in threads (the decoders release Python's lock), a few ahead of what is taken."""
    waiting = iter(range(count))
    with ThreadPoolExecutor(_WORKERS, thread_name_prefix="decode") as pool:
        ahead: deque[Future[bool]] = deque(pool.submit(work, k) for k in islice(waiting, _AHEAD))
        try:
            while ahead:
                done = ahead.popleft().result()
                ahead.extend(pool.submit(work, k) for k in islice(waiting, 1))
                yield done
        finally:
            for future in ahead:
                future.cancel()


def decode_hu(header: SliceHeader) -> HU:
    """Decode one slice, (rows, columns) in HU: int16 if whole numbers in range, else float32; padding becomes air."""
    try:
        plain = _plain_pixels(header)
        content = BytesIO() if plain is not None else BytesIO(read_regular(header.path))
    except OSError as error:
        raise CannotMeasure("scan.file_not_opened", file=header.path.name, reason=error.strerror) from error
    pixels = _decoded(content, header) if plain is None else plain
    slope, intercept = header.number("RescaleSlope"), header.number("RescaleIntercept")
    if slope is None or intercept is None:
        raise CannotMeasure("scan.no_rescale", file=header.path.name)
    padding = _padding(header, pixels, slope, intercept)
    if slope.is_integer() and intercept.is_integer():
        wide: NDArray[Any] = pixels.astype(np.int64 if pixels.dtype.itemsize > 2 else np.int32)
        wide *= int(slope)
        wide += int(intercept)
        if padding is not None:
            wide[padding] = AIR_HU
        low, high = _range(wide, header)
        return wide.astype(np.int16) if low >= _INT16.min and high <= _INT16.max else wide.astype(np.float32)
    real = (pixels * slope + intercept).astype(np.float32)
    if padding is not None:
        real[padding] = AIR_HU
    _range(real, header)
    return real


def _decoded(content: BytesIO, header: SliceHeader) -> NDArray[Any]:
    """Return the pixels (rows, columns) of a file, however it holds them."""
    # Not above: where pydicom is older, this module can still be imported, and say that it cannot read.
    from pydicom.pixels.utils import pixel_array

    try:
        dataset = pydicom.dcmread(content, force=True)
        _refuse_unreadable(dataset, header)
        return pixel_array(dataset, view_only=True)
    except (*DAMAGED, OSError) as error:  # Pillow's kind of a damaged image is an OSError
        raise _not_decoded(header) from error


def _plain_pixels(header: SliceHeader) -> NDArray[Any] | None:
    """Return the pixels (rows, columns) of a file that holds them as most do, without parsing its header again.

    That is 16 bits each, one sample, one frame, little endian, as many bytes as pixels need: None for all others, for
    pydicom to decode or to refuse. Its own decoder of such pixels does the same: bits above those stored say nothing.
    """
    sign, size = header.number("PixelRepresentation"), header.matrix
    kind = None if sign is None else _PLAIN_TYPES.get(sign)
    if kind is None or size is None or header.transfer_syntax not in _PLAIN_SYNTAXES:
        return None
    if any(header.number(keyword) != value for keyword, value in _PLAIN_NUMBERS) or not _is_grey(header):
        return None
    columns, rows = size
    count = 2 * columns * rows
    with open_regular(header.path) as stream:
        stream.seek(header.pixels_at)
        start = stream.read(_LONGEST_START)
        length_at = 8 if start[4:6] in (b"OW", b"OB") else 4
        begins = start[:4] == _PIXEL_DATA and int.from_bytes(start[length_at : length_at + 4], "little") == count
        if not begins or count == 0:
            return None
        stream.seek(header.pixels_at + length_at + 4)
        content = stream.read(count)
    if len(content) < count:
        return None
    unused = 16 - int(header.number("BitsStored") or 0)
    pixels = np.frombuffer(content, dtype=kind).reshape(rows, columns)
    return (pixels << unused) >> unused if unused else pixels


def _is_grey(header: SliceHeader) -> bool:
    grey = header.text("PhotometricInterpretation") in ("MONOCHROME1", "MONOCHROME2")
    return grey and header.number("BitsStored") in _STORED_BITS and header.number("NumberOfFrames") in (None, 1.0)


def _range(values: NDArray[Any], header: SliceHeader) -> tuple[float, float]:
    """Return the least and the largest value; CannotMeasure if they can be no HU."""
    low, high = float(values.min()), float(values.max())
    if not (low >= -MOST_HU and high <= MOST_HU):  # fails for what is no number, too
        raise CannotMeasure("scan.impossible_values", file=header.path.name, most=MOST_HU)
    return low, high


def _padding(header: SliceHeader, pixels: NDArray[Any], slope: float, intercept: float) -> NDArray[np.bool_] | None:
    """Return which pixels the scanner filled in outside the reconstructed circle; None where it says of none."""
    low = _padding_value(header, "PixelPaddingValue", pixels.dtype)
    if low is None:
        return None
    high = _padding_value(header, "PixelPaddingRangeLimit", pixels.dtype)
    low, high = (low, low) if high is None else (min(low, high), max(low, high))
    first_hu, last_hu = sorted(value * slope + intercept for value in (low, high))
    if last_hu > _TISSUE_HU[0] and first_hu < _TISSUE_HU[1]:
        return None
    return np.asarray((pixels >= low) & (pixels <= high))


def _padding_value(header: SliceHeader, keyword: str, dtype: np.dtype[Any]) -> int | None:
    """Some writers give the padding of signed pixels as unsigned number, and the other way round."""
    value = header.number(keyword)
    if value is None:
        return None
    number = int(value)
    info = np.iinfo(dtype)
    if info.min <= number <= info.max:
        return number
    return int(np.array(number & (2 ** (8 * dtype.itemsize) - 1), dtype=f"u{dtype.itemsize}").astype(dtype))


def _refuse_unreadable(dataset: Dataset, header: SliceHeader) -> None:
    """Refuse pixels that no decoder should be given; CannotMeasure says why."""
    file = header.path.name
    if "PixelData" not in dataset:
        maker = _private_pixels(dataset)
        if maker is not None:
            raise CannotMeasure("scan.private_compression", file=file, maker=maker)
        raise CannotMeasure("scan.no_pixels", file=file)
    # CharLS reads on for half a minute where a stream lacks its end.
    if header.transfer_syntax in (JPEGLSLossless, JPEGLSNearLossless) and not _ends(dataset.PixelData):
        raise CannotMeasure("scan.damaged_pixels", file=file)


def _ends(pixel_data: bytes) -> bool:
    from pydicom.encaps import generate_fragments

    return b"".join(generate_fragments(pixel_data)).rstrip(b"\0").endswith(_END_OF_IMAGE)


def _private_pixels(dataset: Dataset) -> str | None:
    """Return whose private element holds as much as pixels would; None if there is none."""
    for element in dataset:
        if element.tag.is_private and isinstance(element.value, bytes) and len(element.value) >= _LEAST_PIXELS:
            return (element.private_creator or str(element.tag))[:_LONGEST_NAME]
    return None


def _not_decoded(header: SliceHeader) -> CannotMeasure:
    from pydicom.pixels.decoders.base import get_decoder

    syntax, file = header.transfer_syntax, header.path.name
    if syntax and syntax.is_private:
        return CannotMeasure("scan.private_compression", file=file, maker=str(syntax))
    try:
        decodable = not syntax or not syntax.is_compressed or get_decoder(syntax).is_available
    except (NotImplementedError, ValueError):
        decodable = False
    if decodable:
        return CannotMeasure("scan.damaged_pixels", file=file)
    return CannotMeasure("scan.no_decoder", file=file, compression=syntax.name)
