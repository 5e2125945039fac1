"""C-STORE: storing DICOM objects on a PACS by the classic protocol."""

import re
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pydicom
from pynetdicom import AE
from pynetdicom.presentation import build_context

from ...ground.errors import UsageError
from ...words import Phrase

OWN_TITLE = "LDCT_BMD"
TIMEOUT_S = 30.0


@dataclass(frozen=True)
class Peer:
    """A PACS: its host, port and application entity title."""

    host: str
    port: int
    title: str


def read_peer(text: str) -> Peer:
    """Read TITLE@HOST:PORT; UsageError for anything else."""
    match = re.fullmatch(r"([\x21-\x3f\x41-\x5b\x5d-\x7e]{1,16})@([^@:\s]+|\[[0-9a-fA-F:]+\]):(\d{1,5})", text)
    if match is None or not 0 < int(match[3]) < 65536:
        raise UsageError("pacs.no_dimse_address", address=text)
    return Peer(match[2].strip("[]"), int(match[3]), match[1])


def send_dimse(
    peer: Peer,
    files: Sequence[Path],
    own_title: str = OWN_TITLE,
    tls: bool = False,
    ca_bundle: Path | None = None,
) -> tuple[str, ...]:
    """Store ``files`` on ``peer``; return their SOP instance UIDs.

    Args:
        tls: encrypt the connection and check the server's certificate.
        ca_bundle: certificates to trust in place of the system's.

    Raises:
        UsageError: the PACS can't be reached or refuses an object; the message says how many it took.
    """
    datasets = [pydicom.dcmread(path) for path in files]
    entity = AE(ae_title=own_title)
    entity.acse_timeout = entity.dimse_timeout = entity.network_timeout = entity.connection_timeout = TIMEOUT_S
    syntaxes = {(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID) for dataset in datasets}
    contexts = [build_context(abstract, transfer) for abstract, transfer in sorted(syntaxes)]
    association = entity.associate(
        peer.host, peer.port, contexts, ae_title=peer.title, tls_args=_tls(peer.host, ca_bundle) if tls else None
    )
    if not association.is_established:
        # What went wrong in a TLS handshake does not come back from pynetdicom.
        trust = Phrase("pacs.trust") if tls else ""
        if association.is_rejected:
            raise UsageError("pacs.refuses", pacs=peer.title, host=peer.host, port=peer.port, trust=trust)
        raise UsageError("pacs.not_reached", pacs=peer.title, host=peer.host, port=peer.port, trust=trust)
    stored: list[str] = []
    try:
        for dataset in datasets:
            name = dataset.SOPClassUID.name
            try:
                status = association.send_c_store(dataset)
            except (ValueError, RuntimeError) as error:
                raise UsageError(
                    "pacs.object_not_sent", pacs=peer.title, stored=len(stored), objects=len(datasets), object=name
                ) from error
            # Warnings (Bxxx) come with a stored object: PS3.7 annex C.
            if "Status" not in status or (status.Status != 0 and status.Status & 0xF000 != 0xB000):
                raise UsageError(
                    "pacs.object_not_stored", pacs=peer.title, stored=len(stored), objects=len(datasets), object=name
                )
            stored.append(str(dataset.SOPInstanceUID))
    finally:
        association.release()
    return tuple(stored)


def _tls(host: str, ca_bundle: Path | None) -> tuple[ssl.SSLContext, str]:
    try:
        context = ssl.create_default_context(cafile=None if ca_bundle is None else str(ca_bundle))
    except (OSError, ssl.SSLError) as error:
        raise UsageError("pacs.certificate_not_read", file=ca_bundle) from error
    return context, host
