"""Sending over the web: whatever the server answers, one sentence says what it holds and what to do."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from pydicom.dataset import Dataset

from helpers_cli import run
from helpers_pacs import (
    DICOM_XML,
    HTML,
    Archive,
    Said,
    archive,
    as_json,
    headers_of,
    listing,
    store_reply,
    store_reply_xml,
)
from helpers_report import case
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.outputs import write_outputs
from ldct_bmd.reporting.pacs import Credentials, dicomweb, exchange, send_dicomweb

Answering = Callable[[list[Dataset]], Said]
RESOURCES, PROCESSING, CHANGED = 0xA700, 0x0110, 0xB000
UNKNOWN = "not known which objects arrived"


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("answers") / "result"
    write_outputs(folder, case().examination, case().pixels)
    return folder


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Archive]:
    monkeypatch.setattr(dicomweb, "ASK_AGAIN_S", (0.01,))
    with archive() as made:
        yield made


def files(result: Path) -> list[Path]:
    return sorted((result / "dicom").iterdir())


def said(status: int, kind: str = HTML, body: bytes = b"", how: str = "", **headers: str) -> Answering:
    return lambda sent: Said(status, kind, body, headers, how)


def partly(status: int) -> Answering:
    return lambda sent: as_json(store_reply(sent[1:], sent[:1], RESOURCES), status)


# What the server says, the exit status where it lists nothing afterwards, and what the sentence then holds.
ANSWERS: dict[str, tuple[Answering, int, tuple[str, ...]]] = {
    "all stored": (lambda sent: as_json(store_reply(sent)), 0, ("5 objects were stored", "look there")),
    "stored with a warning": (
        lambda sent: as_json(store_reply(sent, warning=CHANGED), 202),
        0,
        ("5 objects were stored", "overview.dcm: values in it were changed, code B000"),
    ),
    "one refused, 202": (partly(202), 4, ("holds 4 of 5", "overview.dcm (the archive is out of room, code A700)")),
    "one refused, 409": (partly(409), 4, ("holds 4 of 5", "overview.dcm (the archive is out of room, code A700)")),
    "all refused, 409": (
        lambda sent: as_json(store_reply([], sent, PROCESSING), 409),
        4,
        ("holds 0 of 5", "sr.dcm (it could not be processed, code 0110)", "seg.dcm"),
    ),
    "an empty body": (said(200, "application/dicom+json"), 4, ("did not say what it stored", UNKNOWN)),
    "a login page": (said(200, HTML, b"<html>log in</html>"), 4, ("web page", UNKNOWN)),
    "a list": (lambda sent: as_json([store_reply(sent)]), 0, ("5 objects were stored",)),
    "plain json": (lambda sent: as_json(store_reply(sent), kind="application/json"), 0, ("5 objects were stored",)),
    "xml": (lambda sent: Said(200, DICOM_XML, store_reply_xml(sent)), 0, ("5 objects were stored",)),
    "a byte order mark": (
        lambda sent: Said(200, body=b"\xef\xbb\xbf" + json.dumps(store_reply(sent)).encode()),
        0,
        ("5 objects were stored",),
    ),
    "no content": (said(204), 4, ("status 204", UNKNOWN)),
    "on to a login": (said(302, Location="/login"), 4, ('"/login" (status 302), where nothing was sent',)),
    "too large": (said(413, HTML, b"too large"), 4, ("status 413", "send by C-STORE")),
    "too many": (said(429), 4, ("status 429", "wait and send again")),
    "an error": (said(500, HTML, b"boom"), 4, ("failed with status 500", UNKNOWN)),
    "unavailable": (said(503), 4, ("status 503", "wait and send again")),
    "an unsupported kind": (said(415), 4, ("status 415", "STOW-RS")),
    "a broken connection": (said(200, how="drop"), 4, ("broke the connection off", UNKNOWN)),
    "half an answer": (said(200, "application/dicom+json", b'{"00081199"', "half"), 4, ("broke the connection off",)),
    "numbers for texts": (lambda sent: as_json({"00081199": {"Value": [7, None, {"00081155": 3}]}}), 4, (UNKNOWN,)),
    "deep nesting": (said(200, "application/json", b"[" * 100_000), 4, ("does not say what it stored", UNKNOWN)),
    "an entity in xml": (
        said(200, DICOM_XML, b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'),
        4,
        ("does not say what it stored",),
    ),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_an_answer_gives_one_sentence_and_its_exit_status(name: str, server: Archive, result: Path) -> None:
    answering, status, told = ANSWERS[name]
    server.stores = answering(headers_of(result))
    done = run("send", result, "--dicomweb", server.url)
    assert done.exit_code == status, done.output
    assert "Traceback" not in done.output
    assert len(done.output.strip().splitlines()) == 1
    for part in told:
        assert part in done.output


@pytest.mark.parametrize("name", ["an empty body", "a login page", "no content", "an error", "a broken connection"])
def test_what_the_server_lists_settles_what_it_did_not_say(name: str, server: Archive, result: Path) -> None:
    sent = headers_of(result)
    server.stores, server.lists = ANSWERS[name][0](sent), listing(sent)
    assert "lists all of them" in send_dicomweb(server.url, files(result)).sentence
    server.lists = listing(sent[1:])
    with pytest.raises(UsageError, match=r"holds 4 of 5 objects\. Missing: the overview picture"):
        send_dicomweb(server.url, files(result))


def test_an_object_that_was_confirmed_and_is_not_listed_is_missing(server: Archive, result: Path) -> None:
    sent = headers_of(result)
    server.stores, server.lists = as_json(store_reply(sent)), listing(sent[:-1])
    with pytest.raises(UsageError, match=r"segmentation of the VOIs vois\.dcm \(confirmed, yet not listed\)"):
        send_dicomweb(server.url, files(result))
    assert len(server.came("GET")) == 2 * len(sent)  # once more, in case that it was slow to list it


def test_an_object_that_is_there_already_is_not_missing(server: Archive, result: Path) -> None:
    sent = headers_of(result)
    server.stores, server.lists = as_json(store_reply(sent[1:], sent[:1], 0x0111), 409), listing(sent)
    assert send_dicomweb(server.url, files(result)).uids == tuple(one.SOPInstanceUID for one in sent)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_no_redirect_is_followed_and_no_password_goes_elsewhere(status: int, server: Archive, result: Path) -> None:
    with archive() as elsewhere:
        server.stores = Said(status, HTML, headers={"Location": elsewhere.url})
        with pytest.raises(UsageError, match="where nothing was sent"):
            send_dicomweb(server.url, files(result), Credentials("user", "password"))
        assert elsewhere.requests == []


def test_a_password_comes_from_where_it_is_asked_for_only(
    server: Archive, result: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login someone password secret\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server.stores = as_json(store_reply(headers_of(result)))
    send_dicomweb(server.url, files(result))
    assert all("Authorization" not in headers for _, _, headers in server.requests)
    send_dicomweb(server.url, files(result), Credentials(token="t0ken"))
    assert server.came("GET")[-1]["Authorization"] == "Bearer t0ken"


def test_no_proxy_sees_what_stays_on_this_machine(
    server: Archive, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with archive() as proxy:
        for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url.removesuffix("/dicom-web"))
        monkeypatch.delenv("no_proxy", raising=False)
        monkeypatch.delenv("NO_PROXY", raising=False)
        server.stores = as_json(store_reply(headers_of(result)))
        send_dicomweb(server.url, files(result))
        assert proxy.requests == []


def test_an_answer_is_bounded_in_size(server: Archive, result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "LARGEST_ANSWER_BYTES", 1 << 20)
    server.stores = Said(body=b" " * (3 << 20))
    with pytest.raises(UsageError, match="more than 1 MB"):
        send_dicomweb(server.url, files(result))


def test_an_answer_is_bounded_in_time(server: Archive, result: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exchange, "TOTAL_S", 0.5)
    monkeypatch.setattr(exchange, "SLOWEST_BYTES_PER_S", 1e12)
    server.stores = Said(how="drip")
    start = time.monotonic()
    with pytest.raises(UsageError, match="did not finish its answer"):
        send_dicomweb(server.url, files(result))
    assert time.monotonic() - start < 40.0


@pytest.mark.parametrize("location", ["\x1b]0;owned\x07", "x" * 5000])
def test_what_the_server_says_can_not_steer_a_terminal(location: str, server: Archive, result: Path) -> None:
    server.stores = Said(302, HTML, headers={"Location": location})
    done = run("send", result, "--dicomweb", server.url)
    assert done.exit_code == 4
    assert not {"\x1b", "\x07"} & set(done.output)
    assert len(done.output) < 600
