"""How much a packed file may unpack to: a few bytes can stand for more than a machine has memory."""

import gzip
import zlib
from pathlib import Path
from typing import BinaryIO

from ...ground.errors import CannotMeasure

# 512 x 512 x 2048, a whole body of thin slices: that much is read however well it is packed.
FREE_VOXELS = 1 << 29
# Noise packs a CT three- to tenfold; far more is empty.
MOST_VOXELS_PER_BYTE = 100
BLOCK = 1 << 22


def check_promise(voxels: int, path: Path) -> None:
    """Refuse a file whose header promises more voxels than a scan of its size can hold."""
    size = path.stat().st_size
    if voxels > FREE_VOXELS and voxels > MOST_VOXELS_PER_BYTE * size:
        raise CannotMeasure("file.unpacks_too_large", file=path.name, voxels=voxels, bytes=size)


def check_end(stream: gzip.GzipFile | BinaryIO, file: str) -> None:
    """Read what follows the voxels, up to the checksum of what is packed; refuse more than a block."""
    left = BLOCK
    while left > 0 and (block := stream.read(left)):
        left -= len(block)
    if left == 0 and isinstance(stream, gzip.GzipFile) and stream.read(1):
        raise CannotMeasure("file.more_than_declared", file=file)


def check_gzip(stream: BinaryIO, expected: int, file: str) -> None:
    """Refuse a gzip stream, from where ``stream`` stands to its end, of which more than ``expected`` bytes come.

    Its last four bytes say how many there are (RFC 1952), modulo 2**32 and for its last part alone; where they say
    something else, they are counted.
    """
    start = stream.tell()
    stream.seek(-4, 2)
    if int.from_bytes(stream.read(4), "little") == expected % (1 << 32):
        return
    stream.seek(start)
    try:
        with gzip.GzipFile(fileobj=stream) as unpacked:
            while expected > 0 and (block := unpacked.read(min(expected, BLOCK))):
                expected -= len(block)
            check_end(unpacked, file)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CannotMeasure("scan.damaged_volume", file=file) from error
