"""A small subset of Slicer's `Base/Python/slicer/parameterNodeWrapper`, written anew.

Members of type str, bool, int, float, Path, Enum and MRML node, the annotations Default, Choice, Minimum, Maximum and
WithinRange, and the widgets of `connectors.py`. Lists, dictionaries and parameter packs are left out.
"""

from .annotations import Choice, Default, Maximum, Minimum, WithinRange
from .wrapper import SlicerParameterNamePropertyName, isParameterNodeWrapper, parameterNodeWrapper

__all__ = [
    "Choice",
    "Default",
    "Maximum",
    "Minimum",
    "SlicerParameterNamePropertyName",
    "WithinRange",
    "isParameterNodeWrapper",
    "parameterNodeWrapper",
]
