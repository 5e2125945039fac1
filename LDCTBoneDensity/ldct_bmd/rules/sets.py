"""The published rule sets, which are data, and a site's own from a file."""

from pathlib import Path

from ..ground.errors import UsageError
from ..ground.plain import PlainError, from_plain, read_json
from ..words import Phrase
from .rule_set import RuleSet

FILE_SCHEMA = "ldct-bmd-rules/1"
_WHAT = Phrase("rules.file")
_PUBLISHED = Path(__file__).with_name("rule_sets.json")

RULE_SETS: dict[str, RuleSet] = {
    one.name: one for one in from_plain(tuple[RuleSet, ...], read_json(_PUBLISHED, _WHAT), _WHAT)
}
ACR = RULE_SETS["acr"]


def rules_of(chosen: RuleSet | None) -> RuleSet:
    """Return the rule set of a record; where none was chosen it is the ACR's."""
    return ACR if chosen is None else chosen


def load_rules(name_or_file: str) -> RuleSet:
    """Return a published rule set by its name, or a site's own from a JSON file: ``name_or_file``.

    The file holds ``schema`` ("ldct-bmd-rules/1") and the fields of :class:`RuleSet`; ``title`` is a text.

    Raises:
        UsageError: there is no such name and no such file, or the file is no rule set.
    """
    if name_or_file in RULE_SETS:
        return RULE_SETS[name_or_file]
    path = Path(name_or_file)
    if not path.is_file():
        raise UsageError("rules.unknown", name=name_or_file, known=tuple(RULE_SETS))
    values = read_json(path, _WHAT)
    schema = values.pop("schema", None) if isinstance(values, dict) else None
    if schema != FILE_SCHEMA:
        raise UsageError("rules.other_schema", file=path.name, known=FILE_SCHEMA)
    if not isinstance(values.get("title"), str) or values.get("name") in RULE_SETS:
        raise UsageError("rules.own_name", file=path.name, taken=tuple(RULE_SETS))
    try:
        return from_plain(RuleSet, values, _WHAT)
    except PlainError as error:
        raise UsageError("file.wrong", problem=error.phrase) from error
    except ValueError as error:
        raise UsageError("rules.wrong", file=path.name, problem=str(error)) from error
