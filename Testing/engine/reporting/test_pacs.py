"""Sending to a real PACS on this machine: Orthanc, over the web and by C-STORE, fetched back and compared."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pydicom
import pytest
from typer.testing import CliRunner

from helpers_orthanc import PASSWORD, USER, Orthanc, orthanc_in
from helpers_report import case
from ldct_bmd.cli import app
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.outputs import write_outputs
from ldct_bmd.reporting.pacs import Credentials, find_credentials, read_peer, send_dicomweb, send_dimse
from ldct_bmd.reporting.pacs.credentials import PASSWORD_VARIABLE, TOKEN_VARIABLE, USER_VARIABLE


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    with orthanc_in(tmp_path_factory.mktemp("orthanc")) as server:
        yield server


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pacs") / "result"
    write_outputs(folder, case().examination, case().pixels)
    return folder


def files(result: Path) -> list[Path]:
    return sorted((result / "dicom").iterdir())


def assert_unchanged(orthanc: Orthanc, sent: list[Path], folder: Path) -> None:
    for path in sent:
        own = pydicom.dcmread(path)
        back = orthanc.fetch(own.SOPInstanceUID, folder)
        assert back == own, path.name
        assert back.file_meta.TransferSyntaxUID == own.file_meta.TransferSyntaxUID


def test_objects_stored_over_the_web_come_back_unchanged(orthanc: Orthanc, result: Path, tmp_path: Path) -> None:
    orthanc.empty()
    delivery = send_dicomweb(orthanc.web, files(result), Credentials(USER, PASSWORD), orthanc.certificate)
    assert len(delivery.uids) == 5
    assert "lists all of them" in delivery.sentence
    assert_unchanged(orthanc, files(result), tmp_path)


def test_objects_stored_by_c_store_come_back_unchanged(orthanc: Orthanc, result: Path, tmp_path: Path) -> None:
    orthanc.empty()
    delivery = send_dimse(read_peer(orthanc.dimse), files(result))
    assert len(delivery.uids) == 5
    assert "ARCHIVE lists all of them" in delivery.sentence
    assert_unchanged(orthanc, files(result), tmp_path)


def test_the_command_sends_with_credentials_from_the_environment(
    orthanc: Orthanc, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    orthanc.empty()
    monkeypatch.setenv(USER_VARIABLE, USER)
    monkeypatch.setenv(PASSWORD_VARIABLE, PASSWORD)
    done = CliRunner().invoke(app, ["send", str(result), "--dicomweb", orthanc.web, "--ca", str(orthanc.certificate)])
    assert done.exit_code == 0, done.output
    assert "5 objects were stored. localhost lists all of them." in done.stdout
    assert PASSWORD not in done.output
    assert len(json.loads(orthanc.ask("/instances"))) == 5


def test_a_wrong_password_is_told_without_showing_it(orthanc: Orthanc, result: Path) -> None:
    with pytest.raises(UsageError, match="credentials") as told:
        send_dicomweb(orthanc.web, files(result), Credentials(USER, "wrong one"), orthanc.certificate)
    assert "wrong one" not in str(told.value)


def test_a_certificate_that_nobody_vouches_for_is_not_trusted(orthanc: Orthanc, result: Path) -> None:
    with pytest.raises(UsageError, match="not trusted"):
        send_dicomweb(orthanc.web, files(result), Credentials(USER, PASSWORD))


def test_a_wrong_title_is_told(orthanc: Orthanc, result: Path) -> None:
    peer = read_peer(orthanc.dimse.replace("ARCHIVE", "ELSEWHERE"))
    with pytest.raises(UsageError, match="ELSEWHERE"):
        send_dimse(peer, files(result))


def test_a_server_that_is_not_there_is_told(result: Path) -> None:
    with socket.socket() as silent:  # holds a port that nobody listens on, so that no other test's server gets it
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        with pytest.raises(UsageError, match="can't be reached"):
            send_dicomweb(f"http://127.0.0.1:{port}/dicom-web", files(result))
        with pytest.raises(UsageError, match="can't be reached"):
            send_dimse(read_peer(f"ARCHIVE@127.0.0.1:{port}"), files(result))


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("http://pacs.example/dicom-web", "without TLS"),
        ("https://user:secret@pacs.example/dicom-web", "environment or the keyring"),
        ("ftp://pacs.example", "not an address"),
        ("pacs.example", "not an address"),
    ],
)
def test_an_unsafe_address_is_refused_before_anything_is_sent(result: Path, url: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as refusal:
        send_dicomweb(url, files(result))
    assert "secret" not in str(refusal.value) or "user:" not in str(refusal.value)


@pytest.mark.parametrize(
    "text", ["ARCHIVE", "ARCHIVE@host", "host:104", "A@h:0", "A@h:70000", "TITLE_THAT_IS_LONG@h:1", "A\\B@h:1"]
)
def test_what_is_no_peer_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="TITLE@HOST:PORT"):
        read_peer(text)


def test_credentials_come_from_the_environment_and_are_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "t0ken")
    assert find_credentials("https://x") == Credentials(token="t0ken")
    assert "t0ken" not in repr(find_credentials("https://x"))
    monkeypatch.delenv(TOKEN_VARIABLE)
    monkeypatch.setenv(USER_VARIABLE, "u")
    with pytest.raises(UsageError, match="go together"):
        find_credentials("https://x")
    monkeypatch.setenv(PASSWORD_VARIABLE, "p")
    assert find_credentials("https://x") == Credentials("u", "p")


def test_a_folder_without_objects_is_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["send", str(tmp_path), "--dimse", "A@127.0.0.1:1"])
    assert done.exit_code == 2
    assert "sr.dcm" in done.output or "lacks" in done.output
