"""Sending by C-STORE: what the archive refuses, forgets, or never answers."""

import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt

from helpers_pacs import headers_of
from helpers_report import case
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.outputs import write_outputs
from ldct_bmd.reporting.pacs import Peer, dimse, send_dimse
from ldct_bmd.reporting.pacs.dimse import STUDY_ROOT_FIND

TITLE = "ARCHIVE"
SEGMENTATION = "1.2.840.10008.5.1.4.1.1.66.4"
Store = Callable[[Dataset], int]


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dimse") / "result"
    write_outputs(folder, case().examination, case().pixels)
    return folder


def files(result: Path) -> list[Path]:
    return sorted((result / "dicom").iterdir())


@dataclass
class Held:
    """An archive: the objects that it lists, and where it is."""

    peer: Peer
    uids: set[str] = field(default_factory=set)


@contextmanager
def archive(store: Store = lambda _: 0, finds: bool = True, forgets: str = "", kinds: bool = True) -> Iterator[Held]:
    """Run a storage service.

    Args:
        store: the status that it answers to an object.
        finds: it can be asked what it holds.
        forgets: the SOP class that it does not list.
        kinds: it accepts segmentations.
    """
    entity = AE(ae_title=TITLE)
    for context in AllStoragePresentationContexts:
        if kinds or context.abstract_syntax != SEGMENTATION:
            entity.add_supported_context(context.abstract_syntax, "1.2.840.10008.1.2.1")
    if finds:
        entity.add_supported_context(STUDY_ROOT_FIND)
    made = Held(Peer("127.0.0.1", 0, TITLE))

    def on_store(event: evt.Event) -> int:
        status = store(event.dataset)
        if (status == 0 or status & 0xF000 == 0xB000) and event.dataset.SOPClassUID != forgets:
            made.uids.add(str(event.dataset.SOPInstanceUID))
        return status

    def on_find(event: evt.Event) -> Iterator[tuple[int, Dataset | None]]:
        if event.identifier.SOPInstanceUID in made.uids:
            found = Dataset()
            found.QueryRetrieveLevel, found.SOPInstanceUID = "IMAGE", event.identifier.SOPInstanceUID
            yield 0xFF00, found

    handlers = [(evt.EVT_C_STORE, on_store), (evt.EVT_C_FIND, on_find)]
    service = entity.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers)
    made.peer = Peer("127.0.0.1", service.server_address[1], TITLE)
    try:
        yield made
    finally:
        service.shutdown()


def test_the_archive_is_asked_what_it_holds(result: Path) -> None:
    with archive() as held:
        delivery = send_dimse(held.peer, files(result))
    assert set(delivery.uids) == held.uids == {str(one.SOPInstanceUID) for one in headers_of(result)}
    assert delivery.sentence == "5 objects were stored. ARCHIVE lists all of them."


def test_an_object_that_was_confirmed_and_is_not_listed_is_missing(result: Path) -> None:
    with archive(forgets=SEGMENTATION) as held, pytest.raises(UsageError, match=r"segmentation seg\.dcm \(confirmed"):
        send_dimse(held.peer, files(result))


def test_an_archive_that_answers_no_question_is_to_be_looked_at(result: Path) -> None:
    with archive(finds=False) as held:
        assert "ARCHIVE does not answer what it holds: look there" in send_dimse(held.peer, files(result)).sentence


def test_a_refused_object_is_named_with_its_reason_and_the_others_are_stored(result: Path) -> None:
    with archive(lambda one: 0xA700 if one.SOPClassUID == SEGMENTATION else 0) as held:
        with pytest.raises(UsageError, match=r"holds 3 of 5 .*seg\.dcm \(the archive is out of room, code A700\)"):
            send_dimse(held.peer, files(result))
        assert len(held.uids) == 3


def test_a_kind_of_object_that_is_not_accepted_is_named(result: Path) -> None:
    with archive(kinds=False) as held, pytest.raises(UsageError, match=r"seg\.dcm \(this kind of object is not acc"):
        send_dimse(held.peer, files(result))


def test_a_warning_is_told_and_is_no_failure(result: Path) -> None:
    with archive(lambda one: 0xB000 if one.SOPClassUID == SEGMENTATION else 0) as held:
        assert "seg.dcm: values in it were changed, code B000" in send_dimse(held.peer, files(result)).sentence


@contextmanager
def listener(answer: Callable[[socket.socket], None]) -> Iterator[Peer]:
    """Take one connection and answer it with bytes of one's own."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def run() -> None:
            try:
                connection, _ = server.accept()
                with connection:
                    connection.recv(65536)
                    answer(connection)
            except OSError:
                return

        threading.Thread(target=run, daemon=True).start()
        yield Peer("127.0.0.1", server.getsockname()[1], TITLE)


def drip(connection: socket.socket) -> None:
    connection.sendall(struct.pack(">BBL", 0x02, 0, 100_000))
    for _ in range(600):
        time.sleep(0.1)
        connection.sendall(b"\0")


def flood(connection: socket.socket) -> None:
    connection.sendall(struct.pack(">BBL", 0x02, 0, 0xFFFFFFFF))
    for _ in range(1 << 14):
        connection.sendall(b"\0" * (1 << 16))


@pytest.mark.parametrize("answer", [drip, flood])
def test_an_answer_is_bounded_in_time_and_size(
    answer: Callable[[socket.socket], None], result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(dimse, "TOTAL_S", 1.0)
    monkeypatch.setattr(dimse, "SLOWEST_BYTES_PER_S", 1e12)
    start = time.monotonic()
    with listener(answer) as peer, pytest.raises(UsageError, match="can't be reached"):
        send_dimse(peer, files(result))
    assert time.monotonic() - start < 40.0
