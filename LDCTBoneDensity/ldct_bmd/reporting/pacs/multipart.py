"""The parts of a multipart/related answer, one after the other while it comes in (RFC 2046 section 5.1)."""

from collections.abc import Iterable, Iterator
from email.message import Message

_LONGEST_HEADER_BYTES = 1 << 14


class Malformed(ValueError):
    """It is no multipart answer, or it breaks off."""


def boundary_of(content_type: str) -> bytes:
    """Return what stands between the parts; Malformed for another kind of answer."""
    message = Message()
    message["Content-Type"] = content_type
    boundary = message.get_boundary()
    if message.get_content_maintype() != "multipart" or not boundary or not boundary.isascii():
        raise Malformed
    return boundary.encode("ascii")


def parts_of(boundary: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Yield the content of each part, no more than one in memory; Malformed unless the last one is closed."""
    sections = _sections(b"\r\n--" + boundary, pieces)
    next(sections)  # what stands before the first part means nothing
    for section in sections:
        if section.startswith(b"--"):
            return
        head, separator, content = section.partition(b"\r\n\r\n")
        if not separator or len(head) > _LONGEST_HEADER_BYTES:
            raise Malformed
        yield content
    raise Malformed


def _sections(delimiter: bytes, pieces: Iterable[bytes]) -> Iterator[bytes]:
    held, looked = bytearray(b"\r\n"), 0
    for piece in pieces:
        held += piece
        while (at := held.find(delimiter, looked)) >= 0:
            yield bytes(held[:at])
            del held[: at + len(delimiter)]
            looked = 0
        looked = max(0, len(held) - len(delimiter))
    yield bytes(held)
