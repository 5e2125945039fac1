"""The axes of a vertebral body by its endplates, for oblique views and VOIs."""

import numpy as np
from ldct_bmd.examination import BodyMask
from ldct_bmd.morphometry import endplate_normal, upright_frame
from ldct_bmd.scan import Geometry

_ITERATIONS = 3


class EndplateFrame:
    """Finds the axes of one body."""

    @staticmethod
    def axesLPS(body: BodyMask, geometry: Geometry) -> np.ndarray | None:
        """Return rows in LPS: to the left, to the back, up along the body's axis, which bisects its endplates.

        None where the mask is too small to tell.
        """
        offset = np.array([axis.start for axis in body.box])
        index = np.argwhere(body.inside) + offset
        if len(index) < 50:
            return None
        center = geometry.to_lps_mm(index[:, ::-1].astype(np.float64)).mean(axis=0)
        padded = np.pad(body.inside, ((1, 1), (0, 0), (0, 0)))
        ends = body.inside & ~(padded[:-2] & padded[2:])
        surface = geometry.to_lps_mm((np.argwhere(ends) + offset)[:, ::-1].astype(np.float64)) - center
        frame = upright_frame(np.array([0.0, 0.0, 1.0]))
        for _iteration in range(_ITERATIONS):
            normal = endplate_normal(surface @ frame.T, geometry)
            if normal is None:
                return None
            frame = upright_frame(normal @ frame)
        back, left, up = frame
        return np.stack([left, back, up])
