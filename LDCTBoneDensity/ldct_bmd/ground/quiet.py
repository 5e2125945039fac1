"""Keeping libraries quiet."""

import warnings


def silence_libraries() -> None:
    """Keep what readers of broken files say of them, patient text and control characters included, off the terminal."""
    import SimpleITK  # here, so that a command's help is there at once

    warnings.simplefilter("ignore")
    SimpleITK.ProcessObject.SetGlobalWarningDisplay(False)
