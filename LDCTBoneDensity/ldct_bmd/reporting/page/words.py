"""Numbers, dates and texts as the report writes them."""

import re
from datetime import datetime

from ...ground import text as texts

DASH = "–"
MINUS = "−"
LONGEST = 400  # letters of a text from outside; a row of a table must fit on a page


def visible(text: str, longest: int = LONGEST) -> str:
    """Return text from outside as a page can show it."""
    return texts.visible(text, longest)


def person(name: str) -> str:
    """Return a DICOM person name as people write it: family name, comma, given names; other groups in brackets."""
    groups = [group for group in name.split("=") if group.strip("^ ")]
    written = []
    for group in groups:
        family, *others = [part.strip() for part in group.split("^")]
        given = " ".join(part for part in others if part)
        written.append(", ".join(part for part in (family, given) if part))
    return visible(" ".join([written[0], *(f"({one})" for one in written[1:])]) if written else name)


def signed(value: float, decimals: int = 1) -> str:
    """Return a change with its sign."""
    text = f"{abs(value):.{decimals}f}"
    return text if float(text) == 0.0 else ("+" if value > 0 else MINUS) + text


def number(value: float, decimals: int = 1) -> str:
    """Return a number, its minus as a minus sign."""
    return f"{value:.{decimals}f}".replace("-", MINUS)


def date(text: str | None) -> str | None:
    """Return DICOM's YYYYMMDD as YYYY-MM-DD; anything else as it is."""
    if text is None:
        return None
    return f"{text[:4]}-{text[4:6]}-{text[6:]}" if re.fullmatch(r"\d{8}", text) else visible(text)


def time(text: str) -> str:
    """Return an ISO 8601 time to the minute, with its zone; anything else as it is."""
    try:
        moment = datetime.fromisoformat(text.replace("Z", "+00:00"))
    except ValueError:
        return visible(text)
    zone = moment.strftime("%z")
    zone = "" if not zone else " UTC" if zone in ("+0000", "-0000") else f" UTC{zone[:3]}:{zone[3:]}"
    return moment.strftime("%Y-%m-%d %H:%M") + zone
