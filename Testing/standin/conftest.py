"""The stand-in's own tests run in it."""

from importlib.util import find_spec

MISSING = [name for name in ("slicer_core", "PySide6") if find_spec(name) is None]
collect_ignore_glob = ["test_*.py"] if MISSING else []

if not MISSING:
    from slicer_standin.fixtures import *  # noqa: F403
