"""How sharp a reconstruction kernel is, by its name."""

import re

# GE's names, on the scale of Siemens' numbers: STANDARD is like B40, LUNG and BONE like B60 to B70.
_GE_SHARPNESS = {
    "SMOOTH": 25.0,
    "SOFT": 30.0,
    "STANDARD": 40.0,
    "STND": 40.0,
    "CHEST": 48.0,
    "DETAIL": 50.0,
    "LUNG": 60.0,
    "BONE": 65.0,
    "BONEPLUS": 70.0,
    "ULTRA": 75.0,
    "EDGE": 80.0,
}
# Philips: A to C body, smooth to medium; D, L, Y and E enhance edges.
_PHILIPS_SHARPNESS = {"A": 30.0, "B": 38.0, "C": 48.0, "D": 62.0, "E": 65.0, "L": 65.0}
_PHILIPS_Y_SHARPNESS = {"A": 55.0, "B": 58.0, "C": 62.0, "D": 68.0, "E": 70.0}
_SIEMENS = re.compile(r"^[BHTUIQ][A-Z]{0,2}(\d{2})[A-Z]?$")
_TOSHIBA = re.compile(r"^FC(\d{1,2})$")
_PHILIPS = re.compile(r"^(U|E)?(Y?)([A-E]|L)$")


def kernel_sharpness(kernel: str | None) -> float | None:
    """Return a kernel's sharpness on the scale of Siemens' kernel numbers: 30 soft, 40 standard, 60 lung, 70 bone.

    Only the order matters, and only within one scanner. None if the name is not known.
    """
    name = (kernel or "").split("\\")[0].strip().upper()
    if name in _GE_SHARPNESS:
        return _GE_SHARPNESS[name]
    if match := _SIEMENS.match(name):
        return float(match[1])
    if match := _TOSHIBA.match(name):
        return _toshiba(int(match[1]))
    if match := _PHILIPS.match(name):
        return (_PHILIPS_Y_SHARPNESS if match[2] else _PHILIPS_SHARPNESS).get(match[3], 65.0)
    return None


def _toshiba(number: int) -> float:
    """FC1-9 and FC11-19 are body kernels, smooth to sharp; FC30-39 and FC50-59 bone and lung; FC80-89 the sharpest."""
    if number < 20:
        return 28.0 + 2.0 * (number % 10)
    if number in range(20, 30) or number in range(40, 50):
        return 34.0 + 2.0 * (number % 10)
    return 75.0 if number >= 80 else 64.0
