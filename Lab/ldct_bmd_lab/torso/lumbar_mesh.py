"""The mean lumbar spine of 87 patients, L2 to L5, as a label map.

Source: Clouthier et al., Morphable models of the lumbar spine, J. Biomech. 2023; 146: 111421 (data under the MIT
licence): vertices in mm (x to the front, y to the left, z up) and faces counted from 1, both as CSV.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from ldct_bmd.ground.errors import UsageError

from .vertebra_masks import part

VERTICES_FILE, FACES_FILE = "meanMesh_vertices.csv", "meanMesh_faces.csv"
LEVELS = (21, 22, 23, 24)  # VerSe values of L2 ... L5, from the top down
MARGIN = 2  # empty voxels around
OFF_GRID = (0.00137, 0.00071)  # keeps rays off vertices and edges, where a surface would count twice or not at all


def load_lumbar_mesh(folder: Path) -> NDArray[np.uint8]:
    """Return the mean vertebrae ready to graft, (z, y, x) at 1 mm; z up, y to the back, x to the left.

    Raises:
        UsageError: the folder lacks the mesh, or the mesh is not four separate vertebrae.
    """
    try:
        corners = np.loadtxt(folder / VERTICES_FILE, delimiter=",")
        faces = np.loadtxt(folder / FACES_FILE, delimiter=",", dtype=np.int64) - 1
    except (OSError, ValueError) as error:
        raise UsageError.of_text(
            f"{folder} does not hold the lumbar mesh: it should hold {VERTICES_FILE} and {FACES_FILE}."
        ) from error
    vertices = np.stack([corners[:, 2], -corners[:, 0], corners[:, 1]], axis=1)
    start, end = faces[:, :2].T.ravel(), faces[:, 1:].T.ravel()
    links = coo_array((np.ones(len(start)), (start, end)), shape=(len(vertices),) * 2)
    count, part_of = connected_components(links, directed=False)
    if count != len(LEVELS):
        raise UsageError.of_text(f"The mesh in {folder} has {count} separate parts, not the {len(LEVELS)} of L2 to L5.")
    low = np.floor(vertices.min(axis=0)) - MARGIN
    shape = tuple(int(n) for n in np.ceil(vertices.max(axis=0)) - low + 1 + MARGIN)
    labels = np.zeros(shape, np.uint8)
    downwards = np.argsort([-vertices[part_of == piece, 0].mean() for piece in range(count)])
    for value, piece in zip(LEVELS, downwards, strict=True):
        labels[voxelize((vertices - low)[faces[part_of[faces[:, 0]] == piece]], labels.shape)] = value
    return part(labels, (1.0, 1.0, 1.0))


def voxelize(triangles: NDArray[np.float64], shape: tuple[int, ...]) -> NDArray[np.bool_]:
    """Return which voxel centres (z, y, x) lie inside a closed surface of ``triangles`` (n, 3 corners, zyx), in voxels.

    A ray along z is inside after every odd crossing of the surface.
    """
    crossings = np.zeros((shape[0] + 1, *shape[1:]), dtype=np.int32)
    low = np.ceil(triangles[:, :, 1:].min(axis=1) - OFF_GRID).astype(int)
    high = np.floor(triangles[:, :, 1:].max(axis=1) - OFF_GRID).astype(int)
    reach = (high - low).max(axis=0, initial=-1)
    for step_y in range(reach[0] + 1):
        for step_x in range(reach[1] + 1):
            column = low + np.array([step_y, step_x])
            within = (column <= high).all(axis=1)
            z, hit = _where_columns_cross(triangles[within], column[within] + OFF_GRID)
            y, x = column[within][hit].T
            first = np.clip(np.ceil(z[hit]), 0, shape[0]).astype(int)
            np.add.at(crossings, (first, y, x), 1)
    return np.asarray(np.cumsum(crossings, axis=0)[:-1] % 2 == 1)


def _where_columns_cross(
    triangles: NDArray[np.float64], columns: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Return z where the column (y, x) of each triangle meets its plane, and whether that is within the triangle."""
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    ab, ac, ap = b - a, c - a, columns - a[:, 1:]
    area = ab[:, 1] * ac[:, 2] - ab[:, 2] * ac[:, 1]
    edgewise = area == 0
    area = np.where(edgewise, 1.0, area)
    v = (ap[:, 0] * ac[:, 2] - ap[:, 1] * ac[:, 1]) / area
    w = (ab[:, 1] * ap[:, 1] - ab[:, 2] * ap[:, 0]) / area
    return a[:, 0] + v * ab[:, 0] + w * ac[:, 0], ~edgewise & (v >= 0) & (w >= 0) & (v + w <= 1)
