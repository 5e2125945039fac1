"""Lines of text before the voxels of a file."""

from collections.abc import Callable
from pathlib import Path

from ...ground.files import open_regular

MOST_DIMENSIONS = 4  # a volume, or several; headers of many more crash the libraries
# Far more than any writer of volumes needs; segmentations of Slicer hold lines of about 2,000 letters.
MOST_BYTES, LONGEST_LINE = 1 << 20, 1 << 14


def read_lines(path: Path, is_last: Callable[[str], bool]) -> list[str] | None:
    """Return the lines up to and with the first that ``is_last``, or all; None if a line is no text, or too long."""
    lines: list[str] = []
    read = 0
    with open_regular(path) as stream:
        while read < MOST_BYTES:
            raw = stream.readline(LONGEST_LINE)
            read += len(raw)
            if not raw:
                return lines
            if not raw.endswith(b"\n") or b"\0" in raw:
                return None
            lines.append(raw.decode("utf-8", errors="replace").rstrip("\r\n"))
            if is_last(lines[-1]):
                return lines
    return None
