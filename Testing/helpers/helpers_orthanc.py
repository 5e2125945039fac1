"""A real archive on this machine: Orthanc, with DICOMweb behind TLS, that a test may kill and start again."""

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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
import pytest

from helpers_ports import free_port

PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
ORTHANC = shutil.which("Orthanc") or "/usr/sbin/Orthanc"
USER, PASSWORD = "tester", "not a secret"
START_S = 60.0
_CERTIFICATE = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost")
_NAMES = ("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", "key.pem", "-out", "cert.pem")


@dataclass
class Orthanc:
    """A server: its own interface, and all of it behind TLS with DICOMweb at ``web``."""

    folder: Path
    own: str
    web: str
    certificate: Path
    dimse: str
    running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def start(self) -> None:
        """Start it, with what it holds."""
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen([ORTHANC, str(self.folder / "orthanc.json")], stdout=log, stderr=log)
        self.running[:] = [process]
        end = time.monotonic() + START_S
        while time.monotonic() < end and process.poll() is None:
            with suppress(OSError):
                self.ask("/system")
                return
            time.sleep(0.1)
        pytest.fail("Orthanc did not start")

    def kill(self) -> None:
        """Kill it without a warning."""
        for process in self.running:
            process.kill()
            process.wait()

    def ask(self, path: str, method: str = "GET", body: bytes | None = None) -> bytes:
        """Ask its own interface, which is not DICOMweb."""
        token = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        headers = {"Authorization": f"Basic {token}"}
        request = urllib.request.Request(self.own + path, method=method, headers=headers, data=body)
        with urllib.request.urlopen(request, timeout=30) as answer:
            return bytes(answer.read())

    def json(self, path: str) -> Any:
        """What its own interface says in JSON."""
        return json.loads(self.ask(path))

    def names(self, path: str) -> list[str]:
        """The names of what it holds, such as those of "/series"."""
        return list(map(str, self.json(path)))

    def count(self) -> int:
        """How many instances it holds."""
        return int(self.json("/statistics")["CountInstances"])

    def empty(self) -> None:
        """Delete everything."""
        for patient in self.names("/patients"):
            self.ask(f"/patients/{patient}", "DELETE")

    def take(self, files: list[Path]) -> None:
        """Store DICOM files, as a scanner does."""
        for file in files:
            self.ask("/instances", "POST", file.read_bytes())

    def fetch(self, sop_instance_uid: str, folder: Path) -> pydicom.Dataset:
        """The object as the server gives it back."""
        for identifier in self.names("/instances"):
            path = folder / f"{identifier}.dcm"
            path.write_bytes(self.ask(f"/instances/{identifier}/file"))
            dataset = pydicom.dcmread(path)
            if dataset.SOPInstanceUID == sop_instance_uid:
                return dataset
        raise LookupError(sop_instance_uid)


@contextmanager
def orthanc_in(folder: Path, stable_s: int = 60) -> Iterator[Orthanc]:
    """Run it in a folder; ``stable_s``: a series to which nothing came for so long is stable."""
    if not Path(ORTHANC).is_file() or not PLUGIN.is_file():
        pytest.skip("Orthanc is not installed (Debian: apt-get install orthanc orthanc-dicomweb)")
    if shutil.which("openssl") is None:
        pytest.skip("openssl, which makes the test's certificate, is not installed")
    subprocess.run(["openssl", *_CERTIFICATE, *_NAMES], cwd=folder, check=True, capture_output=True)
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
        "StableAge": stable_s,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/"},
    }
    (folder / "orthanc.json").write_text(json.dumps(configuration))
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(folder / "cert.pem", folder / "key.pem")
    with tls_in_front_of(web, context) as secure:
        server = Orthanc(
            folder,
            f"http://127.0.0.1:{web}",
            f"https://localhost:{secure}/dicom-web",
            folder / "cert.pem",
            f"ARCHIVE@127.0.0.1:{dicom}",
        )
        try:
            server.start()
            yield server
        finally:
            for process in server.running:
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
            try:
                server = socket.create_connection(("127.0.0.1", port))
            except OSError:
                client.close()
                return  # the server behind is away
            with client, server:
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
