"""What can go wrong through no defect of the software.

Each message is one sentence for a user: what is wrong, and what to do.
"""


class CannotMeasure(Exception):
    """The input cannot be measured (command line: exit 3)."""


class UsageError(Exception):
    """The request itself makes no sense, whatever the input (command line: exit 2)."""
