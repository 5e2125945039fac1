"""Sending to a real PACS on this machine: Orthanc, over the web and by C-STORE, fetched back and compared."""

import base64
import json
import shutil
import socket
import socketserver
import ssl
import subprocess
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import pydicom
import pytest
from typer.testing import CliRunner

from helpers_report import case
from ldct_bmd.cli import app
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.outputs import write_outputs
from ldct_bmd.reporting.pacs import Credentials, find_credentials, read_peer, send_dicomweb, send_dimse
from ldct_bmd.reporting.pacs.credentials import PASSWORD_VARIABLE, TOKEN_VARIABLE, USER_VARIABLE

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
ORTHANC = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
USER, PASSWORD = "tester", "not a secret"
START_S = 60.0


@dataclass(frozen=True)
class Orthanc:
    """A running server: its own interface, and DICOMweb behind TLS."""

    own: str
    web: str
    certificate: Path
    dimse: str

    def ask(self, path: str, method: str = "GET") -> bytes:
        """Ask its own interface, which is not DICOMweb."""
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        request = urllib.request.Request(self.own + path, method=method, headers={"Authorization": f"Basic {token}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def fetch(self, sop_instance_uid: str, folder: Path) -> pydicom.Dataset:
        """The object as the server gives it back."""
        for identifier in json.loads(self.ask("/instances")):
            path = folder / f"{identifier}.dcm"
            path.write_bytes(self.ask(f"/instances/{identifier}/file"))
            dataset = pydicom.dcmread(path)
            if dataset.SOPInstanceUID == sop_instance_uid:
                return dataset
        raise LookupError(sop_instance_uid)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def orthanc(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    if not Path(ORTHANC).is_file() or not PLUGIN.is_file():
        pytest.skip("Orthanc is not installed (Debian: apt-get install orthanc orthanc-dicomweb)")
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the test's certificate, is not installed")
    folder = tmp_path_factory.mktemp("orthanc")
    request = [
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "2",
        "-subj",
        "/CN=localhost",
        "-keyout",
        "key.pem",
        "-out",
        "cert.pem",
    ]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run(["openssl", *request, *names], cwd=folder, check=True, capture_output=True)
    web, dicom = free_port(), free_port()
    configuration = {
        "StorageDirectory": str(folder / "storage"),
        "IndexDirectory": str(folder / "storage"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": web,
        "DicomPort": dicom,
        "DicomAet": "ARCHIVE",
        "DicomCheckCalledAet": True,
        "DicomAlwaysAllowStore": True,
        "DicomAlwaysAllowFind": True,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with (folder / "log").open("w") as log, tls_in_front_of(web, context) as secure:
        process = subprocess.Popen([ORTHANC, str(folder / "orthanc.json")], stdout=log, stderr=log)
        server = Orthanc(
            f"http://127.0.0.1:{web}",
            f"https://localhost:{secure}/dicom-web",
            folder / "cert.pem",
            f"ARCHIVE@127.0.0.1:{dicom}",
        )
        try:
            wait_for(server, process)
            yield server
        finally:
            process.terminate()
            process.wait(timeout=30)


@contextmanager
def tls_in_front_of(port: int, context: ssl.SSLContext) -> Iterator[int]:
    """Take TLS connections on another port, as the web server of a hospital does, and pass them on to ``port``."""

    class Pass(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                client = context.wrap_socket(self.request, server_side=True)
            except OSError:
                return  # a client that does not trust the certificate hangs up
            with client, socket.create_connection(("127.0.0.1", port)) as server:
                back = threading.Thread(target=copy, args=(server, client), daemon=True)
                back.start()
                copy(client, server)
                back.join()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True

    with Server(("127.0.0.1", 0), Pass) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield int(listening.server_address[1])
        listening.shutdown()


def copy(source: socket.socket, target: socket.socket) -> None:
    """Pass bytes on until one side has no more."""
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_RDWR)


def wait_for(server: Orthanc, process: subprocess.Popen) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            server.ask("/system")
            return
        except OSError:
            time.sleep(0.2)
    pytest.fail("Orthanc did not start")


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


def empty(orthanc: Orthanc) -> None:
    for patient in json.loads(orthanc.ask("/patients")):
        orthanc.ask(f"/patients/{patient}", "DELETE")


def test_objects_stored_over_the_web_come_back_unchanged(orthanc: Orthanc, result: Path, tmp_path: Path) -> None:
    empty(orthanc)
    delivery = send_dicomweb(orthanc.web, files(result), Credentials(USER, PASSWORD), orthanc.certificate)
    assert len(delivery.uids) == 5
    assert "lists all of them" in delivery.sentence
    assert_unchanged(orthanc, files(result), tmp_path)


def test_objects_stored_by_c_store_come_back_unchanged(orthanc: Orthanc, result: Path, tmp_path: Path) -> None:
    empty(orthanc)
    delivery = send_dimse(read_peer(orthanc.dimse), files(result))
    assert len(delivery.uids) == 5
    assert "ARCHIVE lists all of them" in delivery.sentence
    assert_unchanged(orthanc, files(result), tmp_path)


def test_the_command_sends_with_credentials_from_the_environment(
    orthanc: Orthanc, result: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty(orthanc)
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
    port = free_port()
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
