"""Posterior elements of a vertebra: pedicles, laminae, articular, transverse and spinous processes."""

import numpy as np

from .shapes import Coordinates, FloatArray, Strut, smooth_max, smooth_min
from .spine import VertebralModel

ARCH_CORTEX_MM = 1.0
ARCH_MARROW_HU = 230.0
FILLET_MM = 2.0


def arch_struts(vertebra: VertebralModel) -> tuple[Strut, ...]:
    """Return the bars that the arch is fused of, in the vertebra's local frame."""
    size = vertebra.size
    thoracic = size.level.startswith("T") and size.level not in ("T12",)
    back = size.depth / 2
    width, height = size.height, size.height
    canal_width, canal_depth = size.canal
    pw, ph = size.pedicle[0] / 2, size.pedicle[1] / 2
    x = canal_width / 2 + pw - 0.6
    behind = back + canal_depth - 1.2
    joint = back + 0.62 * canal_depth
    level = 0.16 * height
    one_side = [
        Strut((x - 0.4, back - 4.0, level), (x + 0.4, joint, level), (pw, ph), (pw + 0.4, ph)),
        # Pars: the pillar that carries both articular processes.
        Strut((x, joint, level + 2.0), (x - 0.5, joint + 3.5, -0.38 * height), (4.6, 4.4), (4.4, 3.6)),
        Strut(
            (x - 0.5, joint + 2.5, 0.0),
            (0.0, behind + 4.0, -0.16 * height),
            (0.30 * height, 3.0),
            (0.34 * height, 3.4),
            (0.0, 0.0, 1.0),
        ),
    ]
    if thoracic:
        # Coronal facets: the upper one looks back, the lower one lies behind the next vertebra's upper one.
        upper = Strut((x, joint, 0.3 * width), (x - 0.3, joint - 0.5, 0.5 * height + 5.5), (5.0, 2.8), (4.6, 2.0))
        lower = Strut(
            (x - 1, joint + 4.5, -0.3 * height), (x - 1.0, joint + 4.8, -0.5 * height - 4.0), (4.8, 2.6), (4.4, 1.9)
        )
        rise = 0.28 if size.level not in ("T10", "T11") else 0.16
        tip = (size.transverse - 5.0, joint + 9.0 - (3.0 if size.level in ("T10", "T11") else 0.0), rise * height)
        process = [
            Strut((x, joint, 0.12 * height), tip, (5.0, 4.6), (4.4, 4.2), (0.0, 0.0, 1.0)),
            Strut(tip, (tip[0] + 0.8, tip[1], tip[2] + 0.5), (5.2, 5.0), (5.0, 4.8), (0.0, 0.0, 1.0)),
        ]
    elif size.level.startswith("C"):
        upper = Strut((x, joint, 2.0), (x, joint, 0.5 * height + 2.0), (5.2, 3.2), (4.8, 2.6))
        lower = Strut((x, joint + 3.5, -2.0), (x, joint + 5.0, -0.5 * height - 2.5), (5.0, 3.0), (4.6, 2.4))
        process = [Strut((x, joint - 2, 1.0), (size.transverse - 4, joint + 2.0, 0.0), (4.2, 4.0), (3.6, 3.6))]
    else:
        # Sagittal facets: the next vertebra's upper ones embrace the lower ones from outside.
        side = (0.35, 1.0, 0.0)
        upper = Strut(
            (x + 2.5, joint + 2.5, 0.2 * height),
            (x + 3.8, joint + 5.0, 0.5 * height + 4.5),
            (6.0, 3.0),
            (6.0, 2.4),
            side,
        )
        lower = Strut(
            (x - 2.0, joint + 6.5, -0.3 * height),
            (x - 3.6, joint + 7.5, -0.5 * height - 7.5),
            (5.2, 3.0),
            (4.8, 2.5),
            side,
        )
        tip = (size.transverse - 3.0, joint + (6.0 if size.level == "T12" else 5.0), 0.24 * height)
        process = [Strut((x, joint, 0.16 * height), tip, (5.4, 3.8), (4.2, 2.8), (0.0, 0.0, 1.0))]
    one_side += [upper, lower, *process]
    down = np.radians(size.spinous_down_deg)
    root = (0.0, behind + 3.0, -0.16 * height)
    end = (0.0, root[1] + size.spinous * np.cos(down), root[2] - size.spinous * np.sin(down))
    if size.level.startswith("L") or size.level == "T12":
        spine = [Strut(root, end, (2.6, 0.36 * height), (3.2, 0.30 * height))]
        spine.append(Strut((0.0, end[1] - 3.0, end[2] + 2.0), (0.0, end[1], end[2] - 4.0), (3.4, 4.5), (3.8, 4.8)))
    else:
        spine = [
            Strut(root, end, (2.6, 6.2), (2.4, 4.4)),
            Strut((0.0, end[1] - 2.5, end[2] + 1.5), end, (3.2, 4.4), (4.0, 4.4)),
        ]
    return (*one_side, *(s.mirrored() for s in one_side), *spine)


def canal_distance(vertebra: VertebralModel, p: Coordinates) -> FloatArray:
    """Return the distance to the spinal canal, an elliptic cylinder along the local w."""
    a, b = vertebra.size.canal[0] / 2, vertebra.size.canal[1] / 2
    u = p[0] / np.float32(a)
    v = (p[1] - np.float32(vertebra.canal_center_v)) / np.float32(b)
    return (np.sqrt(u * u + v * v) - 1) * np.float32(min(a, b))


def arch_distance(vertebra: VertebralModel, p: Coordinates) -> FloatArray:
    """Return the distance to the arch at points given in local coordinates."""
    total: FloatArray | None = None
    for strut in arch_struts(vertebra):
        distance = strut.distance(p)
        total = distance if total is None else smooth_min(total, distance, FILLET_MM)
    if total is None:
        raise ValueError("an arch without struts")
    return smooth_max(total, -canal_distance(vertebra, p), 1.0)
