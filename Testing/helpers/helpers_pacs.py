"""A DICOMweb server on this machine that answers as a test wants, and what stands in such answers."""

import http.server
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pydicom
from pydicom.dataset import Dataset

DICOM_JSON, DICOM_XML, HTML = "application/dicom+json", "application/dicom+xml", "text/html"


@dataclass(frozen=True)
class Said:
    """An answer: status, media type, body, further headers; ``how`` "drop", "half" or "drip" sends it so."""

    status: int = 200
    kind: str = DICOM_JSON
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    how: str = ""


LOGIN = Said(200, HTML, b"<html>login</html>")


@dataclass
class Archive:
    """The server: what it answers to a store request and to a question, and which requests came.

    Attributes:
        answers: to questions whose path ends so; others get ``lists``.
    """

    url: str
    stores: Said = field(default_factory=Said)
    lists: Said = LOGIN
    requests: list[tuple[str, str, dict[str, str]]] = field(default_factory=list)
    answers: dict[str, Said] = field(default_factory=dict)

    def came(self, method: str) -> list[dict[str, str]]:
        """The headers of the requests by one method."""
        return [headers for own, _, headers in self.requests if own == method]


class _Handler(http.server.BaseHTTPRequestHandler):
    made: Archive

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        own = (said for end, said in self.made.answers.items() if path.endswith(end))
        self._answer("GET", next(own, self.made.lists))

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer("POST", self.made.stores)

    def _answer(self, method: str, said: Said) -> None:
        self.made.requests.append((method, self.path, dict(self.headers)))
        if said.how == "drop":
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        self.send_response(said.status)
        self.send_header("Content-Type", said.kind)
        for name, value in said.headers.items():
            self.send_header(name, value)
        length = len(said.body) + (1000 if said.how in ("half", "drip") else 0)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(said.body)
        if said.how == "half":
            self.connection.shutdown(socket.SHUT_RDWR)
        if said.how == "drip":
            self._drip()

    def _drip(self) -> None:
        for _ in range(600):
            time.sleep(0.1)
            try:
                self.wfile.write(b" ")
            except OSError:
                return


@contextmanager
def archive() -> Iterator[Archive]:
    """Run the server on a free port of this machine."""
    made = Archive("")

    handler = type("Handler", (_Handler,), {"made": made})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        made.url = f"http://127.0.0.1:{server.server_address[1]}/dicom-web"
        yield made
        server.shutdown()


def headers_of(result: Path) -> list[Dataset]:
    """The headers of the objects in a result folder."""
    return [pydicom.dcmread(path, stop_before_pixels=True) for path in sorted((result / "dicom").iterdir())]


def store_reply(
    stored: list[Dataset], refused: list[Dataset] | None = None, reason: int = 0, warning: int = 0
) -> dict[str, Any]:
    """What a server says of the objects, as JSON; a warning is of the first."""
    said: dict[str, Any] = {}
    if stored:
        said["00081199"] = {"vr": "SQ", "Value": [_item(one) for one in stored]}
        if warning:
            said["00081199"]["Value"][0]["00081196"] = {"vr": "US", "Value": [warning]}
    if refused:
        failed = [_item(one) | {"00081197": {"vr": "US", "Value": [reason]}} for one in refused]
        said["00081198"] = {"vr": "SQ", "Value": failed}
    return said


def store_reply_xml(stored: list[Dataset]) -> bytes:
    """The same in XML."""
    items = "".join(
        f'<Item number="{n}"><DicomAttribute tag="00081155" vr="UI" keyword="ReferencedSOPInstanceUID">'
        f'<Value number="1">{one.SOPInstanceUID}</Value></DicomAttribute></Item>'
        for n, one in enumerate(stored, 1)
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><NativeDicomModel xmlns="http://dicom.nema.org/PS3.19/models/'
        f'NativeDICOM"><DicomAttribute tag="00081199" vr="SQ">{items}</DicomAttribute></NativeDicomModel>'
    ).encode()


def listing(held: list[Dataset]) -> Said:
    """What a server lists that holds these objects."""
    found = [{"00080018": {"vr": "UI", "Value": [str(one.SOPInstanceUID)]}} for one in held]
    return as_json(found)


def as_json(value: object, status: int = 200, kind: str = DICOM_JSON) -> Said:
    """An answer in JSON."""
    return Said(status, kind, json.dumps(value).encode())


def _item(one: Dataset) -> dict[str, Any]:
    return {
        "00081150": {"vr": "UI", "Value": [str(one.SOPClassUID)]},
        "00081155": {"vr": "UI", "Value": [str(one.SOPInstanceUID)]},
    }
