"""Building the phantom's CT scan."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from ldct_bmd.anatomy import VERSE_VALUE
from ldct_bmd.ground.progress import Progress, silent
from ldct_bmd.scan import Acquisition, CTScan, Geometry, Patient, Source
from ldct_bmd.voi import CylinderVOI

from ..scanner import fine_steps, scan_slices, slice_weights
from .belly import add_texture, paint_belly
from .bone import Skeleton, paint_vertebra
from .canvas import Canvas
from .chest import AIR_HU, BLOOD_HU, TRUNK, Column, great_vessels, paint_chest, paint_discs, paint_wall
from .orientation import stored_geometry
from .shapes import Coordinates, FloatArray, Frame, rotation
from .spec import PhantomSpec
from .spine import VertebralModel, build_spine
from .thorax import build_rib, shoulders, sternum
from .truth import Pose, Section, hu_at, local_coordinates, points_in, section_of, voi_of

PIVOT = np.array([0.0, -38.0, -60.0])
TRUTH_POINTS = 32768
SOFT_TISSUE_HU = 50.0
MANUFACTURER, MODEL, SERIAL = "LDCT-BMD PHANTOM", "PROCEDURAL TORSO", "1"


@dataclass(frozen=True)
class Phantom:
    """A scan of known truth.

    Attributes:
        scan: the scan in the engine's frame; ``scan.stored_geometry`` is the grid as the writers store it.
        bodies: vertebral bodies on the scan's grid, VerSe values, uint8 (z, y, x): 1 where a voxel's centre is inside.
        spine: the vertebrae C6 to L4 that it was made from. sections: middle sections of their bodies, by level.
    """

    spec: PhantomSpec
    scan: CTScan
    bodies: NDArray[np.uint8]
    spine: tuple[VertebralModel, ...]
    pose: Pose
    sections: dict[str, Section]

    @property
    def levels(self) -> tuple[str, ...]:
        """Levels that the scan holds whole, top to bottom."""
        g = self.scan.geometry
        low = g.origin_lps_mm[2] - g.spacing_mm[2] / 2
        high = low + g.size[2] * g.spacing_mm[2]
        return tuple(
            k for k, s in self.sections.items() if k in VERSE_VALUE and s.low_z_mm >= low and s.high_z_mm <= high
        )

    def ideal_voi(self, level: str) -> CylinderVOI:
        """Return the VOI that the method would place with a perfect mask; KeyError for a level that isn't built."""
        return voi_of(self.sections[level])

    def hu_at(self, lps_mm: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the continuous HU (no blur, no noise) at LPS points (n, 3); a constant outside the vertebrae."""
        return hu_at(self.spine, self.pose, np.asarray(lps_mm, dtype=np.float64), SOFT_TISSUE_HU)

    def mean_hu_truth(self, voi: CylinderVOI) -> float:
        """Return the mean of the continuous HU over a VOI (integrated to about 0.05 HU)."""
        return float(self.hu_at(points_in(voi, TRUTH_POINTS)).mean(dtype=np.float64))

    def mean_bmd_truth(self, voi: CylinderVOI) -> float:
        """Return the true BMD of a VOI in mg/cm3."""
        return self.spec.bmd_of(self.mean_hu_truth(voi))


def build_phantom(spec: PhantomSpec = PhantomSpec(), progress: Progress = silent) -> Phantom:  # noqa: B008
    """Build a phantom: the same spec gives the same scan, bit for bit."""
    turn = rotation(*spec.rotation_deg)
    pose = Pose(turn, spec.size_scale, PIVOT, np.asarray(spec.position_mm, dtype=np.float64))
    unscaled = build_spine(spec)
    sections = {v.level: section_of(v, pose) for v in unscaled}
    spine = tuple(_scaled_to_bmd(v, voi_of(sections[v.level]), pose, spec) for v in unscaled)
    geometry = _grid(spec, sections)
    progress("phantom", 0.1)
    canvas, skip = _canvas(geometry, spec, pose)
    thin_labels = np.zeros(canvas.hu.shape, np.uint8)
    _paint(canvas, thin_labels, spec, spine, pose, progress)
    hu = scan_slices(np.random.default_rng([spec.seed, 2]), canvas.hu, spec.slice_settings)
    steps = fine_steps(spec.slice_settings)
    bodies = thin_labels[skip : skip + (geometry.size[2] - 1) * steps + 1 : steps].copy()
    progress("phantom", 1.0)
    return Phantom(spec, _scan(hu, geometry, spec), bodies, spine, pose, sections)


def _scaled_to_bmd(vertebra: VertebralModel, voi: CylinderVOI, pose: Pose, spec: PhantomSpec) -> VertebralModel:
    """Give the core HU such that its mean BMD over the ideal VOI is the wanted one."""
    p = local_coordinates(vertebra, pose, points_in(voi, TRUTH_POINTS))
    core = vertebra.body(p)[1] < 0
    if not core.any():
        raise ValueError(f"the ideal VOI of {vertebra.level} holds no trabecular bone")
    mean = float(vertebra.relative_density(p)[core].mean(dtype=np.float64))
    zero = spec.hu_of(0.0)
    return replace(vertebra, hu_base=zero, hu_gain=(spec.hu_of(spec.bmd(vertebra.level)) - zero) / mean)


def _grid(spec: PhantomSpec, sections: dict[str, Section]) -> Geometry:
    """Return the scan's grid; it doesn't move with the patient's position."""
    shift = spec.position_mm[2]
    low = sections[spec.bottom_level].low_z_mm - shift - spec.bottom_margin_mm
    high = sections[spec.top_level].high_z_mm - shift + spec.top_margin_mm
    sx, sy, sz = spec.spacing_mm
    nx, ny = spec.matrix
    count = spec.slices or max(round((high - low) / sz), 1)
    return Geometry(
        size=(nx, ny, count),
        spacing_mm=spec.spacing_mm,
        origin_lps_mm=(-(nx - 1) / 2 * sx, -(ny - 1) / 2 * sy, low + sz / 2),
        direction=((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    )


def _canvas(geometry: Geometry, spec: PhantomSpec, pose: Pose) -> tuple[Canvas, int]:
    """Return an empty canvas of thin planes, and how many of them precede the first slice's own."""
    steps, margin = fine_steps(spec.slice_settings), len(slice_weights(spec.slice_settings)) // 2
    nx, ny, count = geometry.size
    spacing = np.array([*geometry.spacing_mm[:2], geometry.spacing_mm[2] / steps])
    origin = np.array(geometry.origin_lps_mm) - [0, 0, margin * spacing[2]]
    hu = np.full(((count - 1) * steps + 1 + 2 * margin, ny, nx), AIR_HU, np.float32)
    matrix = pose.rotation.T @ np.diag(spacing) / pose.scale
    edge = float(np.prod(spacing) ** (1 / 3)) / pose.scale
    return Canvas(hu, matrix, pose.to_torso(origin), edge), margin


def _paint(
    canvas: Canvas,
    labels: NDArray[np.uint8],
    spec: PhantomSpec,
    spine: tuple[VertebralModel, ...],
    pose: Pose,
    progress: Progress,
) -> None:
    rng = np.random.default_rng([spec.anatomy_seed, 3])
    column = Column(spine)
    if spec.table:
        _paint_table(canvas, spec, pose)
    paint_wall(canvas, spec, rng, column)
    progress("phantom", 0.3)
    paint_chest(canvas, spec, rng, column)
    progress("phantom", 0.45)
    paint_belly(canvas, spec, rng, column)
    canvas.paint_struts(great_vessels(column), BLOOD_HU + spec.contrast_hu)
    add_texture(canvas, rng)
    paint_discs(canvas, spine)
    progress("phantom", 0.6)
    skeleton = Skeleton(canvas)
    by_level = {v.level: v for v in spine}
    for number in range(1, 13):
        for side in (-1, 1):
            rib = build_rib(number, by_level[f"T{number}"], side)
            canvas.paint_struts(rib.cartilage, 95.0)
            skeleton.add(rib.bone)
    skeleton.add(sternum())
    skeleton.add(shoulders())
    skeleton.paint(cortex_mm=1.1, cortex_hu=1100.0, marrow_hu=170.0)
    progress("phantom", 0.75)
    for vertebra in spine:
        paint_vertebra(canvas, vertebra, labels, VERSE_VALUE.get(vertebra.level, 0))


def _paint_table(canvas: Canvas, spec: PhantomSpec, pose: Pose) -> None:
    """Paint a curved carbon shell filled with foam; it stays where it is when the patient turns."""
    frame = Frame(pose.pivot - pose.shift @ pose.rotation / pose.scale, pose.rotation)
    top = float(TRUNK[:, 3].max() - PIVOT[1]) + spec.fat_mm + 5.0

    def table(p: Coordinates) -> tuple[FloatArray, FloatArray]:
        local = frame.axes.astype(np.float32)
        x, y = (sum(local[i, j] * (p[j] - np.float32(frame.origin[j])) for j in range(3)) for i in range(2))
        upper = np.float32(top) - x * x / np.float32(1500.0) - y
        lower = y - (np.float32(top + 30.0) - x * x / np.float32(900.0))
        solid = np.maximum(np.maximum(upper, lower), np.abs(x) - np.float32(205.0))
        return solid, solid + np.float32(1.5)

    canvas.paint_smooth(table, (-400.0, -100.0, -500.0), (400.0, 250.0, 400.0), (250.0, -930.0))


def _scan(hu: NDArray[np.int16], geometry: Geometry, spec: PhantomSpec) -> CTScan:
    return CTScan(
        hu=hu,
        geometry=geometry,
        acquisition=Acquisition(
            kvp=spec.kvp,
            tube_current_ma=60.0,
            exposure_mas=30.0,
            kernel="STANDARD",
            slice_thickness_mm=spec.slice_settings.thickness_mm,
            manufacturer=MANUFACTURER,
            model=MODEL,
            device_serial=SERIAL,
            contrast_agent="SIMULATED" if spec.contrast_hu > 0 else None,
            series_description="SIMULATED LOW-DOSE CHEST CT",
            study_date="20200101",
            acquisition_date="20200101",
        ),
        patient=Patient(patient_id=f"PHANTOM-{spec.anatomy_seed}-{spec.seed}", name="PHANTOM", sex="O", age_years=60.0),
        source=Source(kind="file"),
        stored=stored_geometry(geometry, spec.orientation),
    )
