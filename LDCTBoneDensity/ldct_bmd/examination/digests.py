"""Digests of what was measured: the voxels of the scan, and the mask of each body.

A record holds them, so that other pixels under the same identifiers, or another mask of the same place and size, are
told from those that were measured.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
from numpy.typing import NDArray

from .bodies import tight
from .measured_voi import BodyMask


def voxels_sha256(hu: NDArray[np.int16] | NDArray[np.float32]) -> str:
    """Return the SHA-256, hexadecimal, of HU (z, y, x) in the engine's frame: over the shape and each slice's SHA-256.

    A slice of whole numbers is taken as int16, whichever type it has: a viewer may keep the same scan as floats.
    """
    digest = hashlib.sha256(np.asarray(hu.shape, dtype="<i8").tobytes())
    with ThreadPoolExecutor() as pool:  # hashing lets other threads run
        for slice_sha256 in pool.map(_slice_sha256, hu):
            digest.update(slice_sha256)
    return digest.hexdigest()


def mask_sha256(body: BodyMask) -> str:
    """Return the SHA-256, hexadecimal, of a mask: over the box (z, y, x) that just holds it, and its voxels' bits."""
    box, inside = tight(body)
    digest = hashlib.sha256(np.asarray(box, dtype="<i8").tobytes())
    digest.update(np.packbits(inside).tobytes())
    return digest.hexdigest()


def _slice_sha256(plane: NDArray[np.int16] | NDArray[np.float32]) -> bytes:
    if plane.dtype != np.int16:
        with np.errstate(invalid="ignore"):
            whole = plane.astype(np.int16)
        plane = whole if np.array_equal(whole, plane) else plane.astype("<f4")
    kind = b"int16" if plane.dtype == np.int16 else b"float32"
    stored = np.ascontiguousarray(plane, dtype="<i2" if kind == b"int16" else "<f4")
    digest = hashlib.sha256(kind)
    digest.update(stored.data)
    return digest.digest()
