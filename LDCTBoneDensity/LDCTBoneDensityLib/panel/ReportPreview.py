"""The report's page on display before it goes anywhere."""

import shutil
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import qt
import slicer

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.scratch import temporary_folder
from ldct_bmd.words import text

_SIZE = (960, 1000)
_PAGE = "report.html"


class ReportPreview:
    """Shows one page at a time, in Slicer's web view, or in the system's browser where Slicer was built without one.

    The page names the patient: it lies in a folder that only this user can read, until the next preview, or until the
    scene or the application closes.
    """

    def __init__(self) -> None:
        self.window: Any = None
        self.page: Path | None = None
        self._held = ExitStack()

    def show(self, made: Path) -> None:
        """Take over the page ``made`` and show it; UsageError where it can't be shown."""
        self.close()
        self.page = self._held.enter_context(temporary_folder()) / _PAGE
        shutil.move(made, self.page)
        url = qt.QUrl.fromLocalFile(str(self.page))
        if not hasattr(slicer, "qSlicerWebWidget"):
            if not qt.QDesktopServices.openUrl(url):
                self.close()
                raise UsageError("preview.no_browser")
            return
        # A page loaded by its address: content handed over as text is limited to 2 MB, and pictures are more.
        self.window = slicer.qSlicerWebWidget()
        self.window.setWindowTitle(text("report_section.preview"))
        self.window.resize(_SIZE[0], min(_SIZE[1], slicer.util.mainWindow().height))
        self.window.setUrl(url.toString())
        self.window.show()

    def close(self) -> None:
        """Close the window and remove the page."""
        window, self.window = self.window, None
        if window is not None:
            window.hide()
            window.deleteLater()
        self.page = None
        self._held.close()
