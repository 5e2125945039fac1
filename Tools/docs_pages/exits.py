"""The reference of exit codes, from the command line's own constants."""

from ldct_bmd.cli import terminal

from .markdown import table

_HEAD = """# Exit codes

| code | what it means |
|---|---|
| 0 | done: what was asked for is written, also when no category could be given |
"""
# By the name of the constant.
MEANING = {
    "EXIT_USAGE": "wrong usage: an option, a file or a name that is not right",
    "EXIT_CANNOT_MEASURE": "the input can't be measured; one sentence on standard error says why and what to do",
    "EXIT_OUT_OF_REACH": "something could not be written, or a PACS, a database or a cluster not be reached",
    "EXIT_CANCELLED": "cancelled, by Ctrl-C or by a signal; nothing half-written is left",
    "EXIT_PIPE_CLOSED": "whoever read the output (`| head`) has gone",
}
_FOOT = """
Any other code is a defect of the software: a traceback is printed. Please report it.

What was asked for goes to standard output, remarks, progress and errors to standard error.
"""


def page() -> str:
    """Return the page; KeyError if a code has no meaning here."""
    names = sorted((name for name in vars(terminal) if name.startswith("EXIT_")), key=vars(terminal).__getitem__)
    rows = [(str(getattr(terminal, name)), MEANING[name]) for name in names]
    return _HEAD + table(("", ""), rows).split("\n", 2)[2] + _FOOT
