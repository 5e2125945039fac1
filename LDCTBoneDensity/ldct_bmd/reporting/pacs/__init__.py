"""Sending DICOM objects to a PACS: STOW-RS and C-STORE, and asking it afterwards what it holds."""

from .address import check_address
from .belonging import demand_own
from .credentials import Credentials, find_credentials
from .dicomweb import send_dicomweb
from .dimse import Peer, read_peer, send_dimse
from .outgoing import Delivery

__all__ = [
    "Credentials",
    "Delivery",
    "Peer",
    "check_address",
    "demand_own",
    "find_credentials",
    "read_peer",
    "send_dicomweb",
    "send_dimse",
]
