"""The roles that docstrings mark names with (``:func:`measure```), as plain code for the pages."""

import re
from typing import Any

from griffe import Extension, Object

_ROLE = re.compile(r":(?:func|class|meth|mod|data|attr):`~?\.*([\w.]+)`")


def plain(docstring: str) -> str:
    """Return a docstring without roles, and with code marked as Markdown does."""
    return _ROLE.sub(r"`\1`", docstring).replace("``", "`")


class Roles(Extension):
    """Rewrites each docstring before it is parsed."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:
        """Replace the roles in the docstring of ``obj``."""
        if obj.docstring is not None:
            obj.docstring.value = plain(obj.docstring.value)
