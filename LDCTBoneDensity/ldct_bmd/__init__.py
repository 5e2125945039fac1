"""Bone mineral density of T12-L2 from low-dose chest CT: the engine, importable without 3D Slicer.

What an engineer needs stands here: :func:`measure`, :func:`read_scan`, :class:`NetworkSegmenter`, :class:`Calibration`,
:class:`Examination`. Each is imported when it is first asked for: ``import ldct_bmd`` loads neither numpy nor torch.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from .api import Measured, measure, measure_into
    from .assessment import categorize, format_bmd
    from .calibration import NOMINAL, Calibration, entered_calibration, load_calibration
    from .examination import Examination
    from .ground.errors import CannotMeasure, UsageError
    from .rules import load_rules
    from .scan import CTScan, Geometry, list_series, read_scan
    from .segmentation.label_map import LabelMapSegmenter
    from .segmentation.network_segmenter import NetworkSegmenter
    from .worklist import read_worklist

__version__ = "0.1.0"

__all__ = [
    "NOMINAL",
    "CTScan",
    "Calibration",
    "CannotMeasure",
    "Examination",
    "Geometry",
    "LabelMapSegmenter",
    "Measured",
    "NetworkSegmenter",
    "UsageError",
    "categorize",
    "entered_calibration",
    "format_bmd",
    "list_series",
    "load_calibration",
    "load_rules",
    "measure",
    "measure_into",
    "read_scan",
    "read_worklist",
]

_MODULES = {
    "api": ("Measured", "measure", "measure_into"),
    "assessment": ("categorize", "format_bmd"),
    "calibration": ("NOMINAL", "Calibration", "entered_calibration", "load_calibration"),
    "examination": ("Examination",),
    "ground.errors": ("CannotMeasure", "UsageError"),
    "rules": ("load_rules",),
    "scan": ("CTScan", "Geometry", "list_series", "read_scan"),
    "segmentation.label_map": ("LabelMapSegmenter",),
    "segmentation.network_segmenter": ("NetworkSegmenter",),
    "worklist": ("read_worklist",),
}
_MODULE_OF = {name: module for module, names in _MODULES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _MODULE_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_MODULE_OF[name]}", __name__), name)
    globals()[name] = value  # so that it is looked up once
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
