"""The default terminology lists that Slicer ships and slicer-core does not, cut down to one entry each.

Named as in `Modules/Loadable/Terminologies/Resources`; segments start out as "Tissue" there too.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

_SCHEMAS = "https://raw.githubusercontent.com/qiicr/dcmqi/master/doc/"


def _coded(value: str, meaning: str) -> dict[str, str]:
    return {"CodingSchemeDesignator": "SCT", "CodeValue": value, "CodeMeaning": meaning}


_TISSUE = _coded("85756007", "Tissue")


def _segmentation_list(name: str) -> dict[str, Any]:
    tissue_type = {**_TISSUE, "recommendedDisplayRGBValue": [128, 174, 128]}
    category = {**_TISSUE, "showAnatomy": True, "Type": [tissue_type]}
    return {
        "SegmentationCategoryTypeContextName": name,
        "@schema": _SCHEMAS + "segment-context-schema.json#",
        "SegmentationCodes": {"Category": [category]},
    }


def write_default_terminologies(folder: Path) -> None:
    """Write the files that the terminologies logic loads when it is told its share directory."""
    lists = {
        "SegmentationCategoryTypeModifier-SlicerGeneralAnatomy": _segmentation_list(
            "Segmentation category and type - 3D Slicer General Anatomy list"
        ),
        "SegmentationCategoryTypeModifier-DICOM-Master": _segmentation_list(
            "Segmentation category and type - DICOM master list"
        ),
        "AnatomicRegionAndModifier-DICOM-Master": {
            "AnatomicContextName": "Anatomic codes - DICOM master list",
            "@schema": _SCHEMAS + "anatomic-context-schema.json#",
            "AnatomicCodes": {"AnatomicRegion": [_coded("38266002", "Entire body")]},
        },
    }
    for name, content in lists.items():
        (folder / f"{name}.term.json").write_text(json.dumps(content))
