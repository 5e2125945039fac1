"""Where patient data and passwords may be sent."""

import ipaddress
from urllib.parse import urlsplit

from ...ground.errors import UsageError


def check_address(url: str) -> str:
    """Return the host of a DICOMweb server; UsageError unless it is this machine or reached over TLS."""
    if "@" in url:
        raise UsageError("pacs.password_in_address")
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise UsageError("pacs.no_address", url=url) from error
    if not host or parts.scheme not in ("http", "https"):
        raise UsageError("pacs.no_address", url=url)
    if parts.scheme == "http" and not is_this_machine(host):
        raise UsageError("pacs.no_tls", host=host)
    return host


def is_this_machine(host: str) -> bool:
    """Tell whether what is sent to ``host`` stays on this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
