"""Volume files, their headers read before any library gets the file: contradictions are refused.

Libraries take the first of two statements that disagree, guess where there is none, replace voxels that are no numbers,
and some crash on a damaged header.
"""

from pathlib import Path

from .mha import check_mha
from .nifti import NIFTI_ENDINGS, NiftiVolume, read_nifti
from .nrrd import check_nrrd

__all__ = ["NIFTI_ENDINGS", "NiftiVolume", "check_volume_file", "read_nifti"]


def check_volume_file(path: Path) -> None:
    """Refuse a file whose header contradicts itself, or does not say where its voxels lie; others are let pass.

    Raises:
        CannotMeasure: the file is damaged, or the fields that it names disagree.
        OSError: it can't be read.
    """
    name = path.name.lower()
    if name.endswith(NIFTI_ENDINGS):
        read_nifti(path)
    elif name.endswith(".nrrd"):
        check_nrrd(path)
    elif name.endswith(".mha"):
        check_mha(path)
