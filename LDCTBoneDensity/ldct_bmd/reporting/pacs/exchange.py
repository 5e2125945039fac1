"""Requests to a DICOMweb server whose answer is bounded: in size, in time, and to that server."""

import contextvars
import os
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
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
        with self._told(lambda: seconds):
            return within(seconds, lambda: self._ask(method, self.url + path, headers, body))

    @contextmanager
    def _told(self, seconds: Callable[[], float]) -> Iterator[None]:
        """Turn what goes wrong on the way into what the methods raise; ``seconds``: what was allowed."""
        try:
            yield
        except TimeoutError as error:
            raise Unanswered("slow", self.host, seconds=round(seconds())) from error
        except requests.exceptions.SSLError as error:
            if _hung_up(error):
                raise OutOfReach("pacs.unreachable", host=self.host) from error
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

    def stream(
        self, path: str, headers: dict[str, str], take: Callable[[str, Iterator[bytes]], Result], most_bytes: int
    ) -> Result | Reply:
        """Let ``take`` read a large answer piece by piece; return what it returns, or a reply whose status is not 200.

        Args:
            take: gets the content type with its parameters, and the pieces. It works in a thread, and is left alone
                by an error if the server is too slow.
            most_bytes: of the answer.

        Raises:
            UsageError: the server can't be reached, or is not trusted.
            Unanswered: it was reached, and gave no whole answer.
        """
        pieces = _Pieces(self.host, most_bytes)
        with self._told(pieces.seconds):
            return within(pieces.seconds, lambda: self._stream(self.url + path, headers, take, pieces))

    def _stream(
        self, url: str, headers: dict[str, str], take: Callable[[str, Iterator[bytes]], Result], pieces: "_Pieces"
    ) -> Result | Reply:
        with self._session.get(url, headers=headers, timeout=QUIET_S, allow_redirects=False, stream=True) as response:
            kind = response.headers.get("Content-Type", "")
            if response.status_code != 200:
                return Reply(response.status_code, kind, b"", response.headers.get("Location", ""))
            return take(kind, pieces.of(response))


@dataclass
class _Pieces:
    """The pieces of one large answer: how many bytes may come, and in how many seconds."""

    host: str
    most_bytes: int
    came_bytes: int = 0

    def seconds(self) -> float:
        """Return how long it may have taken by now."""
        return TOTAL_S + self.came_bytes / SLOWEST_BYTES_PER_S

    def of(self, response: requests.Response) -> Iterator[bytes]:
        """Yield them."""
        begin = time.monotonic()
        for chunk in response.iter_content(_CHUNK_BYTES):
            self.came_bytes += len(chunk)
            if self.came_bytes > self.most_bytes:
                raise Unanswered("large", self.host, megabytes=self.most_bytes >> 20)
            if time.monotonic() - begin > self.seconds():
                raise Unanswered("slow", self.host, seconds=round(self.seconds()))  # nobody waits any more
            yield chunk


def within(seconds: float | Callable[[], float], work: Callable[[], Result]) -> Result:
    """Return what ``work`` returns, or raise what it raises; TimeoutError if it takes longer.

    A server that drips a byte now and then is not silence to a socket: the work is done in a thread, and left to it.

    Args:
        seconds: how long it may take; a function may allow more as the work goes on.
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
    if callable(seconds):
        begin = time.monotonic()
        while thread.is_alive() and time.monotonic() - begin < seconds():
            thread.join(1.0)
    else:
        thread.join(seconds)
    if failed:
        raise failed[0]
    if not done:
        raise TimeoutError
    return done[0]


def _hung_up(error: requests.exceptions.SSLError) -> bool:
    """Tell whether a server ended the connection before it showed a certificate, as one does that is going away."""
    reason = getattr(error.args[0] if error.args else None, "reason", None)
    first = reason.args[0] if isinstance(reason, BaseException) and reason.args else None
    return isinstance(first, ssl.SSLEOFError | ssl.SSLZeroReturnError)


def _never_connected(error: requests.exceptions.RequestException) -> bool:
    """Tell whether a request ended before anything was sent: no such host, no port, no way through a proxy."""
    if isinstance(error, requests.exceptions.ConnectTimeout | requests.exceptions.ProxyError):
        return True
    if not isinstance(error, requests.exceptions.ConnectionError):
        return not isinstance(error, requests.exceptions.ChunkedEncodingError)
    cause = error.args[0] if error.args else None
    return type(getattr(cause, "reason", None)).__name__ in ("NewConnectionError", "NameResolutionError")
