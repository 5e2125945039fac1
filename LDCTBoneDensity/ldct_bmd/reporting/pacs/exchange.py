"""Requests to a DICOMweb server whose answer is bounded: in size, in time, and to that server."""

import contextvars
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import requests
from requests.utils import get_environ_proxies

from ...ground.errors import OutOfReach, UsageError
from ...words import Phrase
from .address import is_this_machine
from .credentials import Credentials

QUIET_S = 60.0  # between two signs of life
TOTAL_S = 120.0  # for a request, and on top the time that its body takes
SLOWEST_BYTES_PER_S = 50_000
LARGEST_ANSWER_BYTES = 4 << 20
_CHUNK_BYTES = 1 << 16
# The variables by which requests and curl find a site's own authorities.
_AUTHORITY_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
Result = TypeVar("Result")


class Unanswered(Exception):
    """A request may have arrived, but no whole answer came back; ``problem`` says what came."""

    def __init__(self, kind: str, host: str, **facts: int) -> None:
        """Say of a host what happened: "slow", "large" or "dropped"."""
        self.problem = Phrase(f"pacs.problem.{kind}", {"host": host, **facts})
        super().__init__(str(self.problem))


@dataclass(frozen=True)
class Reply:
    """A server's answer.

    Attributes:
        kind: its media type, in small letters.
        location: where it sends a client on to; "" where it does not.
    """

    status: int
    kind: str
    body: bytes
    location: str = ""


class Server:
    """A DICOMweb server; nothing of the environment but a proxy and the site's authorities has a say in reaching it.

    Args:
        url: checked before.
        ca_bundle: certificates to trust in place of the known authorities.
    """

    def __init__(self, url: str, host: str, credentials: Credentials | None, ca_bundle: Path | None) -> None:
        """Prepare; nothing is sent yet."""
        if ca_bundle is not None and not ca_bundle.is_file():
            raise UsageError("pacs.no_ca", file=ca_bundle)
        self.url, self.host = url.rstrip("/"), host
        self._session = requests.Session()
        # Else .netrc would give a password, and a proxy see what is sent to this very machine.
        self._session.trust_env = False
        if not is_this_machine(host):
            self._session.proxies.update(get_environ_proxies(url))
        named = next((os.environ[name] for name in _AUTHORITY_VARIABLES if os.environ.get(name)), None)
        self._session.verify = str(ca_bundle) if ca_bundle is not None else named or True
        # Not compressed: a small answer can't grow large.
        self._session.headers["Accept-Encoding"] = "identity"
        if credentials is not None and credentials.token is not None:
            self._session.headers["Authorization"] = f"Bearer {credentials.token}"
        elif credentials is not None and credentials.user is not None:
            self._session.auth = (credentials.user, credentials.password or "")

    def close(self) -> None:
        """Hang up."""
        self._session.close()

    def ask(self, method: str, path: str, headers: dict[str, str], body: bytes | None = None) -> Reply:
        """Send a request and return the answer, whatever its status; a redirect is not followed.

        Raises:
            UsageError: the server can't be reached, or is not trusted.
            Unanswered: it was reached, and gave no whole answer.
        """
        seconds = TOTAL_S + len(body or b"") / SLOWEST_BYTES_PER_S
        try:
            return within(seconds, lambda: self._ask(method, self.url + path, headers, body))
        except TimeoutError as error:
            raise Unanswered("slow", self.host, seconds=round(seconds)) from error
        except requests.exceptions.SSLError as error:
            raise OutOfReach("pacs.not_trusted", host=self.host) from error
        except requests.exceptions.ReadTimeout as error:
            raise Unanswered("slow", self.host, seconds=round(QUIET_S)) from error
        except requests.exceptions.RequestException as error:
            if _never_connected(error):
                raise OutOfReach("pacs.unreachable", host=self.host) from error
            raise Unanswered("dropped", self.host) from error

    def _ask(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Reply:
        with self._session.request(
            method, url, data=body, headers=headers, timeout=QUIET_S, allow_redirects=False, stream=True
        ) as response:
            content = bytearray()
            for chunk in response.iter_content(_CHUNK_BYTES):
                content += chunk
                if len(content) > LARGEST_ANSWER_BYTES:
                    megabytes = LARGEST_ANSWER_BYTES >> 20
                    raise Unanswered("large", self.host, megabytes=megabytes)
            kind = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
            return Reply(response.status_code, kind, bytes(content), response.headers.get("Location", ""))


def within(seconds: float, work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns, or raise what it raises; TimeoutError if it takes longer.

    A server that drips a byte now and then is not silence to a socket: the work is done in a thread, and left to it.
    """
    done: list[Result] = []
    failed: list[BaseException] = []

    def run() -> None:
        try:
            done.append(work())
        except BaseException as error:  # noqa: BLE001 - raised again by who waits
            failed.append(error)

    thread = threading.Thread(target=contextvars.copy_context().run, args=(run,), daemon=True)
    thread.start()
    thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError
    return done[0]


def _never_connected(error: requests.exceptions.RequestException) -> bool:
    """Tell whether a request ended before anything was sent: no such host, no port, no way through a proxy."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    if not isinstance(error, requests.exceptions.ConnectionError):
        return not isinstance(error, requests.exceptions.ChunkedEncodingError)
    cause = error.args[0] if error.args else None
    return type(getattr(cause, "reason", None)).__name__ in ("NewConnectionError", "NameResolutionError")
