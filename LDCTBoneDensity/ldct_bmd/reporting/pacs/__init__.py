"""Sending DICOM objects to a PACS: DICOMweb STOW-RS and C-STORE."""

from .credentials import Credentials, find_credentials
from .dicomweb import check_address, send_dicomweb
from .dimse import Peer, read_peer, send_dimse

__all__ = ["Credentials", "Peer", "check_address", "find_credentials", "read_peer", "send_dicomweb", "send_dimse"]
