"""The reference of rule sets, from those that are published with the program."""

import dataclasses

from ldct_bmd.rules import RULE_SETS, RuleSet
from ldct_bmd.rules.sets import FILE_SCHEMA

from .markdown import cell, code, table
from .schemas import described

_HEAD = """# Rule sets

Which BMD is called what. `--rules NAME` with `measure` and `screen` chooses one of these, by default `acr`; the record
keeps the one it was categorised by. They hold for BMD in K2HPO4 equivalents. When to choose which, and an example of a
file: [Choose the rules](../howto/rules.md).
"""
_OWN = """
## One of your own

`--rules FILE` takes a JSON file with `"schema": "{schema}"` and these fields; `title` is a text.

"""


def page() -> str:
    """Return the page."""
    rows = [
        (code(one.name), _limits(one), "1" if one.lumbar_levels == 1 else "both", _whom(one), _source(one))
        for one in RULE_SETS.values()
    ]
    head = ("name", "osteoporosis below, normal above (mg/cm3)", "of L1 and L2 at least", "meant for", "source")
    told = described(RuleSet)
    names = [field.name for field in dataclasses.fields(RuleSet)]
    fields = [(code(name), cell(told.get(name, "").replace("None:", "null:"))) for name in names]
    return _HEAD + "\n" + table(head, rows) + _OWN.format(schema=FILE_SCHEMA) + table(("field", "what it says"), fields)


def _limits(one: RuleSet) -> str:
    above = "not named" if one.normal_above_mg_cm3 is None else f"{one.normal_above_mg_cm3:g}"
    severe = "; severe with a confirmed fracture" if one.severe_with_fracture else ""
    return f"{one.osteoporosis_below_mg_cm3:g}, {above}{severe}"


def _whom(one: RuleSet) -> str:
    sexes = {"F": "women", "M": "men"}
    who = " and ".join(sexes[sex] for sex in one.sexes) if one.sexes else "anyone"
    return who if one.from_age_years is None else f"{who} from {one.from_age_years:g} years"


def _source(one: RuleSet) -> str:
    return cell(one.source)
