"""The time as records hold it."""

from datetime import datetime, timezone


def now() -> str:
    """Return the time in ISO 8601, in UTC, to the second."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
