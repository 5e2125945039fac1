"""STOW-RS: storing DICOM objects over the web."""

import ipaddress
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from urllib.parse import urlsplit

import pydicom
import requests
from dicomweb_client.api import DICOMwebClient
from pydicom.dataset import Dataset

from ...ground.errors import UsageError
from ...words import Phrase
from .credentials import Credentials

TIMEOUT_S = 60.0


def send_dicomweb(
    url: str, files: Sequence[Path], credentials: Credentials | None = None, ca_bundle: Path | None = None
) -> tuple[str, ...]:
    """Store ``files`` on the server at ``url``; return the SOP instance UIDs that it confirmed.

    Args:
        ca_bundle: certificates to trust, where the server's is not signed by a known authority.

    Raises:
        UsageError: the address is not safe, the server can't be reached or refuses an object.
    """
    check_address(url)
    session = _session(credentials, ca_bundle)
    client = DICOMwebClient(url=url, session=session)
    client.set_http_retry_params(retry=False)
    datasets = [pydicom.dcmread(path) for path in files]
    host = urlsplit(url).hostname
    try:
        answer = client.store_instances(datasets)
    except requests.exceptions.SSLError as error:
        raise UsageError("pacs.certificate_not_trusted", host=host) from error
    except requests.exceptions.HTTPError as error:
        if error.response is None:
            raise UsageError("pacs.refused", host=host) from error
        status = error.response.status_code
        if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
            raise UsageError("pacs.refused_credentials", host=host, status=status) from error
        raise UsageError("pacs.refused_with_status", host=host, status=status) from error
    except requests.exceptions.RequestException as error:
        raise UsageError("pacs.host_not_reached", host=host) from error
    finally:
        session.close()
    return _confirmed(answer, datasets, str(host))


def check_address(url: str) -> None:
    """Let patient data and passwords go over TLS only, but for this very machine."""
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise UsageError("pacs.no_dicomweb_address", address=url)
    if parts.username or parts.password:
        raise UsageError("pacs.password_in_address")
    if parts.scheme == "http" and not _is_this_machine(parts.hostname):
        raise UsageError("pacs.no_tls", host=parts.hostname)


def _is_this_machine(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _session(credentials: Credentials | None, ca_bundle: Path | None) -> requests.Session:
    if ca_bundle is not None and not ca_bundle.is_file():
        raise UsageError("pacs.no_certificate_file", file=ca_bundle)
    session = _Session(ca_bundle)
    # Neither .netrc nor a proxy from the environment is asked for credentials.
    session.auth = _no_authentication
    if credentials is not None and credentials.token is not None:
        session.headers["Authorization"] = f"Bearer {credentials.token}"
    elif credentials is not None and credentials.user is not None:
        session.auth = (credentials.user, credentials.password or "")
    return session


def _no_authentication(request: requests.PreparedRequest) -> requests.PreparedRequest:
    return request


class _Session(requests.Session):
    """A session that never waits for ever, and trusts what it is told to."""

    def __init__(self, ca_bundle: Path | None) -> None:
        super().__init__()
        self._ca_bundle = ca_bundle

    def request(self, *arguments: object, **options: object) -> requests.Response:
        """Send a request."""
        options.setdefault("timeout", TIMEOUT_S)
        # REQUESTS_CA_BUNDLE in the environment would win over the session's own setting.
        if self._ca_bundle is not None:
            options["verify"] = str(self._ca_bundle)
        return super().request(*arguments, **options)  # type: ignore[arg-type]


def _confirmed(answer: Dataset, sent: Sequence[Dataset], host: str) -> tuple[str, ...]:
    failed = answer.get("FailedSOPSequence") or []
    stored = tuple(str(item.ReferencedSOPInstanceUID) for item in answer.get("ReferencedSOPSequence") or [])
    missing = [dataset.SOPClassUID.name for dataset in sent if dataset.SOPInstanceUID not in stored]
    if failed or missing:
        what = missing[0] if missing else Phrase("pacs.an_object")
        raise UsageError("pacs.stored_some", host=host, stored=len(stored), objects=len(sent), missing=what)
    return stored
