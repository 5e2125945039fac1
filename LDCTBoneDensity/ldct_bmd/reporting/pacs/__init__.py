"""Sending DICOM objects to a PACS: DICOMweb STOW-RS and C-STORE."""

from .credentials import Credentials, find_credentials
from .dicomweb import send_dicomweb
from .dimse import Peer, read_peer, send_dimse

__all__ = ["Credentials", "Peer", "find_credentials", "read_peer", "send_dicomweb", "send_dimse"]
