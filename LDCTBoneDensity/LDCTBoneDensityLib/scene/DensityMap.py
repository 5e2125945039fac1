"""Trabecular BMD as colours over the scan, on request."""

from typing import Any

import numpy as np
import slicer
from scipy import ndimage

from ldct_bmd.calibration import Calibration
from ldct_bmd.examination import Bodies, box_around
from ldct_bmd.scan import CTScan
from ldct_bmd.voi import CORTEX_MARGIN_MM
from ldct_bmd.words import text

from .Nodes import TO_RAS, matrixOf, removeNode, setVoxels
from .SceneReview import SceneReview
from .VolumeReader import VolumeReader

MAP_REFERENCE = "LDCTBoneDensity.DensityMap"
SMOOTHING_MM = 2.0  # low-dose noise of a single voxel would hide the bone
RANGE_MG_CM3 = (0.0, 200.0)
OUTSIDE = -1000.0  # below the threshold of the display
OPACITY = 0.6
# Red is low, blue is high; made by the colour logic itself, not read from a file.
_COLORS = "vtkMRMLColorTableNodeRainbow"


class DensityMap:
    """Makes and shows the map of one review. It is a picture: the numbers of the table are the VOIs'."""

    @staticmethod
    def make(review: SceneReview) -> Any:
        """Return the map for the record as it is now, a volume node; None if there are no bodies."""
        node = review.node.GetNodeReference(MAP_REFERENCE)
        if node is None:
            name = text("scene.density_map", name=review.volumeNode.GetName())
            node = review.node.GetScene().AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
            review.node.SetNodeReferenceID(MAP_REFERENCE, node.GetID())
        reader, bodies = VolumeReader(review.volumeNode), review.bodies
        if not bodies:
            return None
        box = box_around(bodies)
        bmd = trabecularBmd(review.scan(), bodies, review.examination.line, box)
        _fill(node, bmd, box, reader)
        _display(node)
        return node

    @staticmethod
    def remove(review: SceneReview) -> None:
        """Take the map out of the scene."""
        node = review.node.GetNodeReference(MAP_REFERENCE)
        if node is not None:
            removeNode(node.GetScene(), node)


def trabecularBmd(
    scan: CTScan, bodies: Bodies, calibration: Calibration, box: tuple[slice, slice, slice]
) -> np.ndarray:
    """Return BMD in mg/cm3 (z, y, x) in ``box``: HU averaged inside the bodies less their cortex, then calibrated."""
    core = np.zeros([s.stop - s.start for s in box], dtype=bool)
    spacing = scan.geometry.spacing_mm[::-1]
    for body in bodies.values():
        depth = ndimage.distance_transform_edt(np.pad(body.inside, 1), sampling=spacing)[1:-1, 1:-1, 1:-1]
        place = tuple(slice(s.start - o.start, s.stop - o.start) for s, o in zip(body.box, box, strict=True))
        core[place] |= depth > CORTEX_MARGIN_MM
    sigma = [SMOOTHING_MM / 2.0 / pitch for pitch in spacing]
    weight = ndimage.gaussian_filter(core.astype(np.float32), sigma)
    hu = ndimage.gaussian_filter(np.where(core, scan.hu[box], 0).astype(np.float32), sigma)
    mean = np.divide(hu, weight, out=np.zeros_like(hu), where=core)
    return np.where(core, calibration.bmd_mg_cm3(mean), OUTSIDE).astype(np.float32)


def _fill(node: Any, bmd: np.ndarray, box: tuple[slice, slice, slice], reader: VolumeReader) -> None:
    """Give the node the map on the engine's grid: its axes are the volume's own, in another order."""
    geometry = reader.geometry
    matrix = np.eye(4)
    matrix[:3, :3] = TO_RAS @ np.array(geometry.direction) * np.array(geometry.spacing_mm)
    corner = geometry.to_lps_mm(np.array([s.start for s in box], dtype=float)[::-1])
    matrix[:3, 3] = TO_RAS @ corner
    node.SetIJKToRASMatrix(matrixOf(matrix))
    setVoxels(node, bmd)


def _display(node: Any) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(_COLORS)
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(*RANGE_MG_CM3)
    display.SetThreshold(OUTSIDE / 2, 10 * RANGE_MG_CM3[1])
    display.SetApplyThreshold(True)
    display.SetInterpolate(False)
    legend = slicer.vtkSlicerColorLogic.AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(text("scene.density_legend"))
        legend.SetVisibility(True)
