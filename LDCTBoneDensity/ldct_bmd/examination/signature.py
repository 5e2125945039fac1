"""What a reader's signature on a record is made of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class KeySignature:
    """A signature by a site's key over the canonical record.

    Attributes:
        algorithm: "Ed25519".
        public_key: hexadecimal; whether it is the site's is for the verifier to know.
        value: hexadecimal.
    """

    algorithm: str
    public_key: str
    value: str


@dataclass(frozen=True)
class Signature:
    """Who vouches for the record, since when (ISO 8601), and the SHA-256 of what they signed.

    The hash shows a change that did not bring the hash along; only a key's signature holds against one who recomputes
    the hash.
    """

    reader: str
    time: str
    record_sha256: str
    organization: str | None = None
    key: KeySignature | None = None
