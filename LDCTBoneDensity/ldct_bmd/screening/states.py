"""What becomes of a study."""

from enum import Enum


class State(str, Enum):
    """Where a study stands."""

    QUEUED = "queued"
    RUNNING = "running"
    MEASURED = "measured"
    REFUSED = "refused"  # the input cannot be measured; its code says why
    FAILED = "failed"  # a defect of the software, or of the machine
    SIGNED = "signed"

    @property
    def is_ended(self) -> bool:
        """Whether nothing more is done without a request."""
        return self not in (State.QUEUED, State.RUNNING)


class Delivered(str, Enum):
    """Where a result stands that goes back to an archive."""

    WAITING = "waiting"
    SENT = "sent"  # the archive lists all its objects
    KEPT = "kept"  # there is nothing that may be sent
