"""Storing DICOM objects by the classic protocol (C-STORE), and asking afterwards what the archive holds (C-FIND).

Storage commitment is not asked for: its answer comes to a port of the sender's that the archive must know, when this
command has long ended.
"""

import re
import socket
import ssl
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import UID
from pynetdicom import AE, evt
from pynetdicom.association import Association
from pynetdicom.presentation import build_context

from ...ground.errors import OutOfReach, UsageError
from ...words import Phrase
from .exchange import LARGEST_ANSWER_BYTES, SLOWEST_BYTES_PER_S, TOTAL_S
from .outgoing import Answer, Delivery, Outgoing, conclude, read_outgoing

OWN_TITLE = "LDCT_BMD"
STUDY_ROOT_FIND = UID("1.2.840.10008.5.1.4.1.2.2.1")
TIMEOUT_S = 30.0
MOST_FOUND = 100  # answers to a question after one object
_NOT_SUPPORTED = 0x0122
_WARNING = 0xB000
_FOUND = (0xFF00, 0xFF01)


@dataclass(frozen=True)
class Peer:
    """A PACS: its host, port and application entity title."""

    host: str
    port: int
    title: str


def read_peer(value: str) -> Peer:
    """Read TITLE@HOST:PORT; UsageError for anything else."""
    match = re.fullmatch(r"([\x21-\x3f\x41-\x5b\x5d-\x7e]{1,16})@([^@:\s]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", value)
    if match is None or not 0 < int(match[3]) < 65536:
        raise UsageError("pacs.no_peer", peer=value)
    return Peer(match[2].strip("[]"), int(match[3]), match[1])


def send_dimse(
    peer: Peer,
    files: Sequence[Path],
    own_title: str = OWN_TITLE,
    tls: bool = False,
    ca_bundle: Path | None = None,
) -> Delivery:
    """Store ``files`` on ``peer`` and ask it what it holds.

    Args:
        tls: encrypt the connection and check the server's certificate.
        ca_bundle: certificates to trust in place of the system's.

    Raises:
        UsageError: the PACS can't be reached, or an object is not there afterwards.
    """
    objects = read_outgoing(files)
    with _associated(peer, objects, own_title, _tls(peer.host, ca_bundle) if tls else None) as association:
        answer = _store(association, objects, peer)
        held = _held(association, objects)
    return conclude(peer.title, objects, answer, held)


@contextmanager
def _associated(
    peer: Peer, objects: Sequence[Outgoing], own_title: str, tls: tuple[ssl.SSLContext, str] | None
) -> Iterator[Association]:
    entity = AE(ae_title=own_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = TIMEOUT_S
    syntaxes = {(one.dataset.SOPClassUID, one.dataset.file_meta.TransferSyntaxUID) for one in objects}
    contexts = [build_context(abstract, transfer) for abstract, transfer in sorted(syntaxes)]
    contexts.append(build_context(STUDY_ROOT_FIND))
    seconds = TOTAL_S + sum(one.path.stat().st_size for one in objects) / SLOWEST_BYTES_PER_S
    timers: list[threading.Timer] = []

    def bound(event: evt.Event) -> None:
        timers.append(_bound(event.assoc.dul.socket, seconds))

    try:
        association = entity.associate(
            peer.host,
            peer.port,
            contexts,
            ae_title=peer.title,
            tls_args=tls,
            evt_handlers=[(evt.EVT_CONN_OPEN, bound)],
        )
        if not association.is_established:
            # What went wrong in a TLS handshake does not come back from pynetdicom.
            trust = "" if tls is None else Phrase("pacs.trust")
            if association.is_rejected:
                raise OutOfReach("pacs.rejected", title=peer.title, host=peer.host, port=peer.port, trust=trust)
            raise OutOfReach("pacs.not_associated", title=peer.title, host=peer.host, port=peer.port, trust=trust)
        try:
            yield association
        finally:
            association.release()
    finally:
        for timer in timers:
            timer.cancel()


def _bound(connection: Any, seconds: float) -> threading.Timer:
    """Let a connection end after ``seconds``, and take no unit of data larger than an answer may be."""
    receive = connection.recv

    def receive_bounded(count: int) -> bytearray:
        if count > LARGEST_ANSWER_BYTES:
            raise OSError(f"a unit of {count} bytes")
        received: bytearray = receive(count)
        return received

    def hang_up() -> None:
        with suppress(OSError, AttributeError):
            connection.socket.shutdown(socket.SHUT_RDWR)

    connection.recv = receive_bounded
    timer = threading.Timer(seconds, hang_up)
    timer.daemon = True
    timer.start()
    return timer


def _store(association: Association, objects: Sequence[Outgoing], peer: Peer) -> Answer:
    stored: dict[str, int] = {}
    refused: dict[str, int] = {}
    for one in objects:
        try:
            status = association.send_c_store(one.dataset)
        except ValueError:  # no presentation context was accepted
            refused[one.uid] = _NOT_SUPPORTED
            continue
        except RuntimeError:  # the association has ended
            status = Dataset()
        if "Status" not in status:
            return Answer(stored, refused, Phrase("pacs.problem.dropped", {"host": peer.title}))
        # Warnings come with a stored object: PS3.7 annex C.
        if status.Status == 0 or status.Status & 0xF000 == _WARNING:
            stored[one.uid] = int(status.Status)
        else:
            refused[one.uid] = int(status.Status)
    return Answer(stored, refused)


def _held(association: Association, objects: Sequence[Outgoing]) -> frozenset[str] | None:
    """Return which of the objects the archive lists; None where it can't be asked."""
    held = set()
    for one in objects:
        listed = _is_listed(association, one)
        if listed is None:
            return None
        if listed:
            held.add(one.uid)
    return frozenset(held)


def _is_listed(association: Association, one: Outgoing) -> bool | None:
    question = Dataset()
    question.QueryRetrieveLevel = "IMAGE"
    question.StudyInstanceUID = one.dataset.StudyInstanceUID
    question.SeriesInstanceUID = one.dataset.SeriesInstanceUID
    question.SOPInstanceUID = one.uid
    is_listed = False
    try:
        answers = association.send_c_find(question, STUDY_ROOT_FIND)
        for count, (status, found) in enumerate(answers):
            if "Status" not in status or count > MOST_FOUND:
                return None
            if status.Status in _FOUND:
                is_listed |= found is not None and str(found.get("SOPInstanceUID", "")) == one.uid
            elif status.Status != 0:
                return None
    except (ValueError, RuntimeError):
        return None
    return is_listed


def _tls(host: str, ca_bundle: Path | None) -> tuple[ssl.SSLContext, str]:
    try:
        context = ssl.create_default_context(cafile=None if ca_bundle is None else str(ca_bundle))
    except (OSError, ssl.SSLError) as error:
        raise UsageError("pacs.bad_ca", file=ca_bundle) from error
    return context, host
