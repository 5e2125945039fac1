"""A test to run inside Slicer: the module's nodes on a small made-up scan, without the network."""

from typing import Any

import numpy as np
import slicer

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.examination import bodies_in

from ..scene.VertebraSegments import VertebraSegments
from .Logic import Logic
from .MeasureJob import MeasureSettings

_SHAPE = (140, 96, 96)
_HU = {"T12": 150, "L1": 130, "L2": 110}
_TOLERANCE_HU = 2.0


class SelfTest:
    """Measures ellipses of known HU, corrects one, and undoes that.

    Args:
        case: a unittest.TestCase.
    """

    def __init__(self, case: Any) -> None:
        self._case = case

    def run(self) -> None:
        """Run; an assertion of the test case fails where the module does."""
        volumeNode, labels = self._scan()
        source = VertebraSegments.create(volumeNode, bodies_in(labels))
        logic = Logic(lambda: None)
        logic.reader = lambda: "Self test"
        review = logic.measure(volumeNode, MeasureSettings(segmentationNode=source))
        for level, hu in _HU.items():
            measurement = review.examination.measurement(level)
            found = measurement.mean_hu if measurement is not None else None
            self._case.assertAlmostEqual(found, hu, delta=_TOLERANCE_HU)
        self._case.assertTrue(review.do(lambda review: review.exclude("L1", "fracture")))
        self._case.assertEqual(review.examination.assessment.levels, ("L2",))
        self._case.assertTrue(review.do(lambda review: review.undo()))
        self._case.assertEqual(review.examination.assessment.levels, ("L1", "L2"))

    def _scan(self) -> tuple[object, np.ndarray]:
        z, y, x = np.meshgrid(*(np.arange(n) for n in _SHAPE), indexing="ij")
        hu = np.where((y - 48) ** 2 + (x - 48) ** 2 < 46**2, 40, -1000).astype(np.int16)
        labels = np.zeros(_SHAPE, dtype=np.uint8)
        for place, (level, value) in enumerate(_HU.items()):
            middle = 110 - 40 * place
            body = ((x - 48) / 22) ** 2 + ((y - 52) / 16) ** 2 < 1
            body &= np.abs(z - middle) <= 13
            # A cortex, by which the engine tells that the mask lies on a vertebra.
            core = (((x - 48) / 20) ** 2 + ((y - 52) / 14) ** 2 < 1) & (np.abs(z - middle) <= 12)
            hu[body], hu[core] = 400, value
            labels[body] = VERSE_VALUE[level]
        noisy = hu + np.random.default_rng(0).normal(0.0, 5.0, _SHAPE)
        volumeNode = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", "Self test")
        volumeNode.SetIJKToRASDirections(-1, 0, 0, 0, -1, 0, 0, 0, 1)
        slicer.util.updateVolumeFromArray(volumeNode, np.rint(noisy).astype(np.int16))
        return volumeNode, labels
