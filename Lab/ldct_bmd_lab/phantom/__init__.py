"""A procedural CT torso of known truth: no outside data, analytic shapes, realistic blur and noise."""

from .build import Phantom, build_phantom
from .files import write_dicom, write_label_map, write_nifti
from .spec import PHANTOM_INTERCEPT_MG_CM3, PHANTOM_SLOPE, PhantomSpec

__all__ = [
    "PHANTOM_INTERCEPT_MG_CM3",
    "PHANTOM_SLOPE",
    "Phantom",
    "PhantomSpec",
    "build_phantom",
    "write_dicom",
    "write_label_map",
    "write_nifti",
]
