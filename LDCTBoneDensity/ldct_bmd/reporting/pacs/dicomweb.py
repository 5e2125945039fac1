"""Storing DICOM objects over the web (STOW-RS), and asking afterwards what the server holds (QIDO-RS)."""

import time
from collections.abc import Sequence
from pathlib import Path
from uuid import uuid4

from ...ground.errors import UsageError
from .address import check_address
from .credentials import Credentials
from .exchange import Server, Unanswered
from .outgoing import Answer, Delivery, Outgoing, conclude, read_outgoing
from .store_reply import read_listing, read_store_reply

JSON = "application/dicom+json"
# A server may index what it stored a moment later.
ASK_AGAIN_S = (0.5, 1.0, 2.0, 4.0)


def send_dicomweb(
    url: str,
    files: Sequence[Path],
    credentials: Credentials | None = None,
    ca_bundle: Path | None = None,
    only_missing: bool = False,
) -> Delivery:
    """Store ``files`` on the server at ``url`` and ask it what it holds.

    Args:
        ca_bundle: certificates to trust, where the server's is not signed by a known authority.
        only_missing: ask first what the server holds, and store what it lacks.

    Raises:
        UsageError: the address is not safe, the server can't be reached, or an object is not there afterwards.
    """
    host = check_address(url)
    objects = read_outgoing(files)
    server = Server(url, host, credentials, ca_bundle)
    try:
        held = (_listed(server, objects) if only_missing else None) or frozenset()
        lacking = [one for one in objects if one.uid not in held]
        if not lacking:
            return conclude(host, objects, Answer(), held)
        answer = _store(server, lacking)
        return conclude(host, objects, answer, _held(server, objects, answer))
    finally:
        server.close()


def _store(server: Server, objects: Sequence[Outgoing]) -> Answer:
    boundary = f"ldct-bmd-{uuid4().hex}"
    parts = [
        b"--%b\r\nContent-Type: application/dicom\r\n\r\n%b\r\n" % (boundary.encode(), one.path.read_bytes())
        for one in objects
    ]
    body = b"".join(parts) + b"--%b--\r\n" % boundary.encode()
    content_type = f'multipart/related; type="application/dicom"; boundary={boundary}'
    try:
        reply = server.ask("POST", "/studies", {"Content-Type": content_type, "Accept": JSON}, body)
    except Unanswered as error:
        return Answer(problem=error.problem)
    return read_store_reply(reply, server.host)


def _held(server: Server, objects: Sequence[Outgoing], answer: Answer) -> frozenset[str] | None:
    """Return which of the objects the server lists; None where it can't be asked."""
    held = _listed(server, objects)
    for pause_s in ASK_AGAIN_S:
        if held is None or not any(one.uid in answer.stored and one.uid not in held for one in objects):
            break
        time.sleep(pause_s)
        held = _listed(server, objects)
    return held


def _listed(server: Server, objects: Sequence[Outgoing]) -> frozenset[str] | None:
    found: set[str] = set()
    for one in objects:
        study, series = one.dataset.StudyInstanceUID, one.dataset.SeriesInstanceUID
        try:
            reply = server.ask("GET", f"/studies/{study}/series/{series}/instances", {"Accept": JSON})
        except (Unanswered, UsageError):
            return None
        listed = read_listing(reply)
        if listed is None:
            return None
        found |= listed
    return frozenset(one.uid for one in objects if one.uid in found)
