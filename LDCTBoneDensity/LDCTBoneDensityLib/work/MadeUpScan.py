"""A scan that is computed: three vertebrae of known HU in soft tissue, to try the module and to test it in Slicer."""

from typing import Any

import numpy as np
import slicer

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.examination import bodies_in
from ldct_bmd.words import text

from ..scene.VertebraSegments import VertebraSegments

HU = {"T12": 150, "L1": 130, "L2": 110}
_SHAPE = (140, 96, 96)


def madeUpScan() -> tuple[Any, Any]:
    """Return a volume node and a segmentation node of the vertebral bodies in it, 1 mm voxels."""
    z, y, x = np.meshgrid(*(np.arange(n) for n in _SHAPE), indexing="ij")
    hu = np.where((y - 48) ** 2 + (x - 48) ** 2 < 46**2, 40, -1000).astype(np.int16)
    labels = np.zeros(_SHAPE, dtype=np.uint8)
    for place, (level, value) in enumerate(HU.items()):
        middle = 110 - 40 * place
        body = ((x - 48) / 22) ** 2 + ((y - 52) / 16) ** 2 < 1
        body &= np.abs(z - middle) <= 13
        # A cortex, by which the engine tells that the mask lies on a vertebra.
        core = (((x - 48) / 20) ** 2 + ((y - 52) / 14) ** 2 < 1) & (np.abs(z - middle) <= 12)
        hu[body], hu[core] = 400, value
        labels[body] = VERSE_VALUE[level]
    noisy = hu + np.random.default_rng(0).normal(0.0, 5.0, _SHAPE)
    volumeNode = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", text("application.sample"))
    volumeNode.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
    slicer.util.updateVolumeFromArray(volumeNode, np.rint(noisy).astype(np.int16))
    return volumeNode, VertebraSegments.create(volumeNode, bodies_in(labels))
