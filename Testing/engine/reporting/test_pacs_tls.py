"""C-STORE over TLS, to a storage service on this machine whose certificate the test makes."""

import ipaddress
import ssl
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pydicom
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from pydicom.dataset import Dataset
from pynetdicom import AE, AllStoragePresentationContexts, evt
from typer.testing import CliRunner

from helpers_report import case
from ldct_bmd.cli import app
from ldct_bmd.ground.errors import UsageError
from ldct_bmd.reporting.output import Output
from ldct_bmd.reporting.outputs import write_outputs
from ldct_bmd.reporting.pacs import Peer, send_dimse

TITLE = "ARCHIVE"


@dataclass
class Service:
    """A storage service behind TLS: where it is, what vouches for it, and what it took."""

    port: int
    certificate: Path
    received: list[Dataset] = field(default_factory=list)

    def peer(self, host: str = "127.0.0.1") -> Peer:
        return Peer(host, self.port, TITLE)


def write_certificate(folder: Path, name: str) -> tuple[Path, Path]:
    """A self-signed certificate for 127.0.0.1 or a host name, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(timezone.utc)
    try:
        host: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        host = x509.DNSName(name)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([host]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    public, private = folder / "cert.pem", folder / "key.pem"
    public.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    private.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return public, private


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Callable[[str], Service]]:
    """Start a service whose certificate is for the host of that name."""
    servers = []

    def start(name: str) -> Service:
        public, private = write_certificate(tmp_path, name)
        service = Service(0, public)

        def store(event: evt.Event) -> int:
            service.received.append(event.dataset)
            return 0

        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(public, private)
        entity = AE(TITLE)
        entity.supported_contexts = AllStoragePresentationContexts
        server = entity.start_server(
            ("127.0.0.1", 0), block=False, ssl_context=context, evt_handlers=[(evt.EVT_C_STORE, store)]
        )
        servers.append(server)
        service.port = server.socket.getsockname()[1]
        return service

    yield start
    for server in servers:
        server.shutdown()


@pytest.fixture(scope="module")
def result(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls") / "result"
    write_outputs(folder, case().examination, case().pixels)
    return folder


def files(result: Path) -> list[Path]:
    return sorted((result / "dicom").iterdir())


def test_objects_arrive_over_tls_as_they_were_sent(result: Path, serve: Callable[[str], Service]) -> None:
    service = serve("127.0.0.1")
    delivery = send_dimse(service.peer(), files(result), tls=True, ca_bundle=service.certificate)
    sent = {dataset.SOPInstanceUID: dataset for dataset in map(pydicom.dcmread, files(result))}
    assert set(delivery.uids) == set(sent)
    for received in service.received:
        assert received == sent[received.SOPInstanceUID]


def test_the_command_sends_over_tls(result: Path, serve: Callable[[str], Service]) -> None:
    service = serve("127.0.0.1")
    peer = f"{TITLE}@127.0.0.1:{service.port}"
    arguments = ["send", str(result), "--dimse", peer, "--tls", "--ca", str(service.certificate)]
    done = CliRunner().invoke(app, arguments)
    assert done.exit_code == 0, done.output
    assert len(service.received) == len(files(result))


@pytest.mark.parametrize("kind", ["nobody vouches for it", "another host's", "not asked for TLS"])
def test_nothing_is_sent_to_a_service_that_can_not_be_trusted(
    result: Path, serve: Callable[[str], Service], kind: str
) -> None:
    service = serve("pacs.example" if kind == "another host's" else "127.0.0.1")
    trusted = None if kind == "nobody vouches for it" else service.certificate
    with pytest.raises(UsageError, match="can't be reached") as told:
        send_dimse(service.peer(), files(result), tls=kind != "not asked for TLS", ca_bundle=trusted)
    assert ("certificate" in str(told.value)) == (kind != "not asked for TLS")
    assert service.received == []


def test_a_file_that_holds_no_certificate_is_told(result: Path, serve: Callable[[str], Service]) -> None:
    service = serve("127.0.0.1")
    with pytest.raises(UsageError, match="certificates"):
        send_dimse(service.peer(), files(result), tls=True, ca_bundle=files(result)[0])


def test_a_result_without_objects_has_nothing_to_send(tmp_path: Path) -> None:
    write_outputs(tmp_path / "out", case().examination, case().pixels, wanted=[Output.HTML])
    done = CliRunner().invoke(app, ["send", str(tmp_path / "out"), "--dimse", f"{TITLE}@127.0.0.1:1"])
    assert done.exit_code == 2
