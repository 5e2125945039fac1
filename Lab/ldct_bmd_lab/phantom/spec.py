"""What phantom to build."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ldct_bmd.anatomy import LEVELS, order
from ldct_bmd.ground.errors import UsageError

from ..scanner import SliceSettings

# The built-in linear function from a phantom's BMD to HU. It belongs to no scanner: it only makes the truth exact.
PHANTOM_SLOPE = 0.80
PHANTOM_INTERCEPT_MG_CM3 = -2.0
BUILT_LEVELS = tuple(level for level in LEVELS if level != "T13" and order(level) <= order("L4"))


@dataclass(frozen=True)
class PhantomSpec:
    """A virtual patient and how it is scanned. Lengths are those of an average adult at ``size_scale`` 1.

    Attributes:
        bmd_mg_cm3: BMD of the trabecular core, one for all levels or one a level (others: ``default_bmd_mg_cm3``). The
            core isn't uniform; this is its mean over the ideal VOI (where that leaves the core: over the part inside).
        slope, intercept_mg_cm3: BMD = slope x HU + intercept, which the HU of the core are made from.
        size_scale: scales the whole body.
        cortex_mm: thickness of the vertebral shell and endplates (0.45-1 mm).
        fat_mm: subcutaneous fat.
        kyphosis_scale: scales the sagittal curvature of the spine.
        scoliosis_deg: Cobb angle of a lateral curve, positive convex to the left; ``scoliosis_apex`` is its apex.
        fracture_level, fracture_ratio: a wedge fracture and its anterior to posterior height.
        contrast_hu: HU that a contrast agent adds to the blood; organs take up a part of it, bone none.
        rotation_deg: rotation of the patient on the table about x (tilt), y and z (roll), applied in this order.
        position_mm: LPS shift of the patient against the centre of the field of view.
        matrix: pixels (columns, rows). ``spacing_mm``: (x, y, z) pitch; z is the slice increment.
        top_level, bottom_level, top_margin_mm, bottom_margin_mm: the scan reaches from ``top_margin_mm`` above the
            one body to ``bottom_margin_mm`` below the other (negative: the body is cut).
        slices: number of slices, counted from the bottom; overrides the top.
        slice_thickness_mm: width of the box-shaped slice sensitivity profile; None: equal to the increment.
        kernel_fwhm_mm: in-plane blur.
        noise_hu: standard deviation of the noise; 0 for none.
        noise_peak_per_mm: spatial frequency at which the noise power peaks.
        orientation: directions in which the stored array's (i, j, k) rise, e.g. "LPS" or "RAS".
        table: whether the patient table is in the picture.
        seed: draws the noise. anatomy_seed: draws textures, vessels and bowel.
    """

    bmd_mg_cm3: float | Mapping[str, float] = 130.0
    default_bmd_mg_cm3: float = 130.0
    slope: float = PHANTOM_SLOPE
    intercept_mg_cm3: float = PHANTOM_INTERCEPT_MG_CM3
    kvp: float = 120.0
    size_scale: float = 1.0
    cortex_mm: float = 0.6
    fat_mm: float = 11.0
    kyphosis_scale: float = 1.0
    scoliosis_deg: float = 0.0
    scoliosis_apex: str = "T9"
    fracture_level: str | None = None
    fracture_ratio: float = 0.65
    contrast_hu: float = 0.0
    rotation_deg: tuple[float, float, float] = (0.0, 0.0, 0.0)
    position_mm: tuple[float, float, float] = (0.0, 0.0, 0.0)
    matrix: tuple[int, int] = (512, 512)
    spacing_mm: tuple[float, float, float] = (0.76, 0.76, 1.0)
    top_level: str = "T1"
    bottom_level: str = "L2"
    top_margin_mm: float = 12.0
    bottom_margin_mm: float = 12.0
    slices: int | None = None
    slice_thickness_mm: float | None = None
    kernel_fwhm_mm: float = 1.1
    noise_hu: float = 25.0
    noise_peak_per_mm: float = 0.19
    orientation: str = "LPS"
    table: bool = True
    seed: int = 0
    anatomy_seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what can't be built (UsageError)."""
        named = (self.top_level, self.bottom_level, self.scoliosis_apex, self.fracture_level or "L1")
        unknown = [level for level in named if level not in BUILT_LEVELS]
        if unknown:
            raise UsageError.of_text(f"The phantom has the levels C7 to L4, not {', '.join(unknown)}.")
        if order(self.top_level) > order(self.bottom_level):
            raise UsageError.of_text("The phantom's top level must lie above its bottom level.")
        if min(self.spacing_mm) <= 0 or min(self.matrix) < 8 or self.size_scale <= 0 or self.slope <= 0:
            raise UsageError.of_text("The phantom's spacing, matrix, size and slope must be positive.")
        if not 0.2 <= self.fracture_ratio <= 1:
            raise UsageError.of_text("The phantom's fracture_ratio must lie between 0.2 and 1.")
        pairs = ("LR", "PA", "SI")
        if len(self.orientation) != 3 or any(sum(c in pair for c in self.orientation) != 1 for pair in pairs):
            raise UsageError.of_text('The phantom\'s orientation must name three directions, such as "LPS" or "RAS".')
        if max(map(abs, self.rotation_deg)) >= 45 or not np.isfinite(self.rotation_deg).all():
            raise UsageError.of_text("The phantom can be rotated by less than 45 degrees.")

    @property
    def slice_settings(self) -> SliceSettings:
        """How its slices are taken."""
        return SliceSettings(
            self.spacing_mm,
            self.slice_thickness_mm or self.spacing_mm[2],
            self.kernel_fwhm_mm,
            self.noise_hu,
            self.noise_peak_per_mm,
        )

    def bmd(self, level: str) -> float:
        """Return the BMD of a level's core in mg/cm3."""
        if isinstance(self.bmd_mg_cm3, Mapping):
            return float(self.bmd_mg_cm3.get(level, self.default_bmd_mg_cm3))
        return float(self.bmd_mg_cm3)

    def hu_of(self, bmd_mg_cm3: float) -> float:
        """Return the HU of trabecular bone of this BMD."""
        return (bmd_mg_cm3 - self.intercept_mg_cm3) / self.slope

    def bmd_of(self, mean_hu: float) -> float:
        """Return the BMD in mg/cm3 of trabecular bone of this HU."""
        return self.slope * mean_hu + self.intercept_mg_cm3
