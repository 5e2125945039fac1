"""A test to run inside Slicer: the module's nodes on a small made-up scan, and the built-in network."""

from typing import Any

from ldct_bmd.ground.errors import CannotMeasure
from ldct_bmd.words import text

from .Installer import Installer
from .Logic import Logic
from .MadeUpScan import HU, madeUpScan
from .MeasureJob import MeasureSettings

_TOLERANCE_HU = 2.0


class SelfTest:
    """Measures ellipses of known HU, corrects one, and undoes that; then lets the network look at them.

    Args:
        case: Slicer's test of the module, a unittest.TestCase.
        installer: knows what the network needs.
    """

    def __init__(self, case: Any, installer: Installer) -> None:
        self._case, self._installer = case, installer

    def run(self) -> None:
        """Run; an assertion of the test case fails where the module does."""
        volumeNode, source = madeUpScan()
        logic = Logic(lambda: None)
        logic.reader = lambda: "Self test"
        review = logic.measure(volumeNode, MeasureSettings(segmentationNode=source))
        for level, hu in HU.items():
            measurement = review.examination.measurement(level)
            found = measurement.mean_hu if measurement is not None else None
            self._case.assertAlmostEqual(found, hu, delta=_TOLERANCE_HU)
        self._case.assertTrue(review.do(lambda review: review.exclude("L1", "fracture")))
        self._case.assertEqual(review.examination.assessment.levels, ("L2",))
        self._case.assertTrue(review.do(lambda review: review.undo()))
        self._case.assertEqual(review.examination.assessment.levels, ("L1", "L2"))
        self._runNetwork(logic)

    def _runNetwork(self, logic: Logic) -> None:
        """See that the weights load and the network runs: ellipses are no spine, and it says so."""
        missing = self._installer.missing()
        if missing:
            self._case.delayDisplay(text("application.network_left_out", package=missing[0].requirement))
            return
        volumeNode, _segments = madeUpScan()
        code = None
        try:
            logic.measure(volumeNode, MeasureSettings())
        except CannotMeasure as refused:
            code = refused.code
        self._case.assertEqual(code, "segmentation.no_spine")
