"""A site's Ed25519 key for signing records, and the check of such a signature.

A key is made with ``openssl genpkey -algorithm ed25519 -out key.pem`` and its public half with
``openssl pkey -in key.pem -pubout``.
"""

import os
from dataclasses import dataclass, replace
from enum import Enum
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key

from ..examination import Examination, KeySignature, canonical_json, is_intact
from ..ground.errors import UsageError
from ..ground.files import read_regular

ALGORITHM = "Ed25519"
PASSWORD_VARIABLE = "LDCT_BMD_KEY_PASSWORD"


class SignatureCheck(str, Enum):
    """What a check of a record's signature can find."""

    UNSIGNED = "unsigned"
    CHANGED = "changed"  # the record is not as it was signed
    INTACT = "intact"  # by its hash, which one who changes the record could compute again
    KEY_VALID = "key valid"  # signed with the key that is named in the record; whose it is was not asked
    KEY_TRUSTED = "key trusted"  # signed with the key that the caller trusts
    KEY_FOREIGN = "key foreign"  # signed with another key, or with none, though the caller trusts one


@dataclass(frozen=True)
class SiteKey:
    """A private key that signs records."""

    _key: Ed25519PrivateKey

    @property
    def blank(self) -> KeySignature:
        """A signature by this key whose value is still empty."""
        return KeySignature(ALGORITHM, self._key.public_key().public_bytes_raw().hex(), "")

    def sign(self, message: bytes) -> KeySignature:
        """Return the signature over ``message``."""
        return replace(self.blank, value=self._key.sign(message).hex())


def load_key(path: Path) -> SiteKey:
    """Read a private key from a PEM file, its password from the environment; UsageError if it is none."""
    password = os.environ.get(PASSWORD_VARIABLE)
    try:
        key = load_pem_private_key(read_regular(path), None if password is None else password.encode())
    except (OSError, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise UsageError("key.private_not_read", file=path.name, variable=PASSWORD_VARIABLE) from error
    if not isinstance(key, Ed25519PrivateKey):
        raise UsageError("key.private_not_ed25519", file=path.name)
    return SiteKey(key)


def load_public_key(path: Path) -> str:
    """Read a public key from a PEM file, as a record holds it; UsageError if it is none."""
    try:
        key = load_pem_public_key(read_regular(path))
    except (OSError, ValueError, UnsupportedAlgorithm) as error:
        raise UsageError("key.public_not_read", file=path.name) from error
    if not isinstance(key, Ed25519PublicKey):
        raise UsageError("key.public_not_ed25519", file=path.name)
    return key.public_bytes_raw().hex()


def check_signature(examination: Examination, trusted_public_key: str | None = None) -> SignatureCheck:
    """Tell whether a record is as it was signed, and with whose key."""
    signature = examination.signature
    if signature is None:
        return SignatureCheck.UNSIGNED
    if not is_intact(examination):
        return SignatureCheck.CHANGED
    if signature.key is None:
        return SignatureCheck.INTACT if trusted_public_key is None else SignatureCheck.KEY_FOREIGN
    try:
        public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signature.key.public_key))
        public.verify(bytes.fromhex(signature.key.value), canonical_json(examination))
    except (InvalidSignature, ValueError):
        return SignatureCheck.CHANGED
    if trusted_public_key is None:
        return SignatureCheck.KEY_VALID
    is_trusted = signature.key.public_key == trusted_public_key
    return SignatureCheck.KEY_TRUSTED if is_trusted else SignatureCheck.KEY_FOREIGN
