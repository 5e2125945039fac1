"""The site's calibration store: a file whose path is the application's, not the scene's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import slicer

from ldct_bmd.calibration.choose import choose_calibration
from ldct_bmd.calibration.store import CalibrationStore, StoredCalibration
from ldct_bmd.examination.conclude import conditions
from ldct_bmd.ground.clock import now
from ldct_bmd.ground.errors import UsageError

if TYPE_CHECKING:
    from ldct_bmd.calibration import Calibration
    from ldct_bmd.calibration.match import CalibrationChoice
    from ldct_bmd.scan import Acquisition

PATH_KEY = "LDCTBoneDensity/CalibrationStore"
PHANTOM_KEY = "LDCTBoneDensity/PhantomDescription"


class SiteStore:
    """The engine's store at the path in Slicer's application settings. What refuses there raises UsageError here."""

    @property
    def path(self) -> str:
        """Path of the file; "" where none is named. A file that is not there yet is an empty store."""
        return str(slicer.app.userSettings().value(PATH_KEY) or "")

    def setPath(self, path: str) -> None:
        """Keep another path."""
        slicer.app.userSettings().setValue(PATH_KEY, path.strip())

    @property
    def phantomPath(self) -> str:
        """Path of the description of the site's phantom; "" where none is named."""
        return str(slicer.app.userSettings().value(PHANTOM_KEY) or "")

    def setPhantomPath(self, path: str) -> None:
        """Keep another description."""
        slicer.app.userSettings().setValue(PHANTOM_KEY, path.strip())

    def stored(self) -> list[StoredCalibration]:
        """Return all calibrations in the order in which they were added."""
        return self._store().all() if Path(self.path).is_file() else []

    def choose(self, made: Acquisition, allowLater: bool) -> tuple[Calibration, CalibrationChoice]:
        """Return the calibration for a scan, and why; the nominal one where none fits."""
        return choose_calibration(self._store().all(), conditions(made), allowLater)

    def add(self, calibration: Calibration, operator: str) -> bool:
        """Add a calibration; returns whether it was not there yet."""
        return bool(self._store().add([calibration], now(), operator))

    def retire(self, identifier: str, because: str, operator: str) -> StoredCalibration:
        """Mark a calibration as not to be used any more."""
        return self._store().retire(identifier, because, now(), operator)

    def _store(self) -> CalibrationStore:
        if not self.path:
            raise UsageError("site_store.not_named")
        return CalibrationStore(Path(self.path))
