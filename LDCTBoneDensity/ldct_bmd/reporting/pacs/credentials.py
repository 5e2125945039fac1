"""Credentials of a DICOMweb server: from the environment or the system's keyring, never from a file of ours."""

import os
from dataclasses import dataclass, field

from ...ground.errors import UsageError

USER_VARIABLE, PASSWORD_VARIABLE, TOKEN_VARIABLE = "LDCT_BMD_PACS_USER", "LDCT_BMD_PACS_PASSWORD", "LDCT_BMD_PACS_TOKEN"
KEYRING_SERVICE = "ldct-bmd"


@dataclass(frozen=True)
class Credentials:
    """A user with password, or a bearer token; neither is ever shown."""

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    token: str | None = field(default=None, repr=False)


def find_credentials(url: str) -> Credentials | None:
    """Return the credentials for the server at ``url``; None where there are none.

    The environment comes first. In the keyring they are under the service "ldct-bmd <url>".
    """
    token = os.environ.get(TOKEN_VARIABLE)
    if token:
        return Credentials(token=token)
    user, password = os.environ.get(USER_VARIABLE), os.environ.get(PASSWORD_VARIABLE)
    if user and password is not None:
        return Credentials(user, password)
    if user or password is not None:
        raise UsageError(
            "pacs.credentials_incomplete", user=USER_VARIABLE, password=PASSWORD_VARIABLE, token=TOKEN_VARIABLE
        )
    return _from_keyring(url)


def _from_keyring(url: str) -> Credentials | None:
    try:
        import keyring
        from keyring.errors import KeyringError
    except ImportError:
        return None
    try:
        found = keyring.get_credential(f"{KEYRING_SERVICE} {url}", None)
    except KeyringError:
        return None  # a machine without a keyring, or a locked one
    return None if found is None else Credentials(found.username, found.password)
