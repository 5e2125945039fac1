"""Trabecular BMD as colours over the scan, on request."""

import numpy as np
import slicer
from scipy import ndimage
from slicer.i18n import tr as _

from ldct_bmd.calibration import Calibration
from ldct_bmd.scan import CTScan
from ldct_bmd.voi import CORTEX_MARGIN_MM

from .BodyMasks import Bodies
from .Review import Review
from .VolumeReader import VolumeReader

MAP_REFERENCE = "LDCTBoneDensity.DensityMap"
SMOOTHING_MM = 2.0  # low-dose noise of a single voxel would hide the bone
RANGE_MG_CM3 = (0.0, 200.0)
OUTSIDE = -1000.0  # below the threshold of the display
_OPACITY = 0.6
# Red is low, blue is high; made by the colour logic itself, not read from a file.
_COLORS = "vtkMRMLColorTableNodeRainbow"


class DensityMap:
    """Makes and shows the map of one review. It is a picture: the numbers of the table are the VOIs'."""

    @staticmethod
    def show(review: Review) -> None:
        """Make the map for the record as it is now, and lay it over the scan."""
        node = review.node.GetNodeReference(MAP_REFERENCE)
        if node is None:
            name = _("{name} BMD map (mg/cm3)").format(name=review.volumeNode.GetName())
            node = slicer.mrmlScene.AddNewNodeByClass("vtkMRMLScalarVolumeNode", name)
            review.node.SetNodeReferenceID(MAP_REFERENCE, node.GetID())
        reader, bodies = VolumeReader(review.volumeNode), review.session.state.bodies
        if not bodies:
            return
        box = tuple(
            slice(min(b.box[a].start for b in bodies.values()), max(b.box[a].stop for b in bodies.values()))
            for a in range(3)
        )
        bmd = trabecularBmd(review.scan(), bodies, review.examination.calibration, box)
        _fill(node, bmd, box, reader)
        _display(node)
        slicer.util.setSliceViewerLayers(foreground=node, foregroundOpacity=_OPACITY)

    @staticmethod
    def hide(review: Review) -> None:
        """Take the map out of views and scene."""
        node = review.node.GetNodeReference(MAP_REFERENCE)
        if node is not None:
            slicer.mrmlScene.RemoveNode(node)


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


def _fill(node, bmd: np.ndarray, box: tuple[slice, slice, slice], reader: VolumeReader) -> None:
    """Give the node the map on the engine's grid: its axes are the volume's own, in another order."""
    geometry = reader.geometry
    toRAS = np.diag([-1.0, -1.0, 1.0])
    matrix = np.eye(4)
    matrix[:3, :3] = toRAS @ np.array(geometry.direction) * np.array(geometry.spacing_mm)
    corner = geometry.to_lps_mm(np.array([s.start for s in box], dtype=float)[::-1])
    matrix[:3, 3] = toRAS @ corner
    node.SetIJKToRASMatrix(slicer.util.vtkMatrixFromArray(matrix))
    slicer.util.updateVolumeFromArray(node, bmd)


def _display(node) -> None:
    node.CreateDefaultDisplayNodes()
    display = node.GetDisplayNode()
    display.SetAndObserveColorNodeID(_COLORS)
    display.SetAutoWindowLevel(False)
    display.SetWindowLevelMinMax(*RANGE_MG_CM3)
    display.SetThreshold(OUTSIDE / 2, 10 * RANGE_MG_CM3[1])
    display.SetApplyThreshold(True)
    display.SetInterpolate(False)
    legend = slicer.modules.colors.logic().AddDefaultColorLegendDisplayNode(node)
    if legend is not None:
        legend.SetTitleText(_("BMD mg/cm3"))
        legend.SetVisibility(True)
