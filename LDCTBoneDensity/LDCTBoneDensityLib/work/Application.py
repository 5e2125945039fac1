"""The Slicer that the module runs in."""

import slicer

from ldct_bmd.ground.errors import UsageError

LEAST = (5, 12)  # 5.10 ships pydicom 2.4, which the engine cannot read with


def demandSupported() -> None:
    """Raise UsageError if this Slicer is too old to measure in."""
    if (slicer.app.majorVersion, slicer.app.minorVersion) < LEAST:
        raise UsageError(
            "application.too_old",
            version=f"{slicer.app.majorVersion}.{slicer.app.minorVersion}",
            least=".".join(map(str, LEAST)),
        )
