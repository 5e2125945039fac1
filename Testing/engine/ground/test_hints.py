"""What the record is made of can be looked up in every Python that is supported."""

import dataclasses
from typing import Any, Literal, get_args, get_origin

import pytest

from ldct_bmd.examination import Examination
from ldct_bmd.ground.kinds import Either, ListOf, Record, Row, Table, kind_of
from ldct_bmd.jobs.spec import ExportSpec, MeasureSpec
from ldct_bmd.worklist import Worklist


def dataclasses_in(hint: Any, seen: set[type]) -> set[type]:
    kind = kind_of(hint)
    if isinstance(kind, Record) and kind.type not in seen:
        seen.add(kind.type)
        for field in kind.fields:
            dataclasses_in(field.hint, seen)
    inner = kind.choices if isinstance(kind, Either) else kind.items if isinstance(kind, Row) else ()
    for one in (*inner, *((kind.item,) if isinstance(kind, (ListOf, Table)) else ())):
        dataclasses_in(one, seen)
    return seen


def quoted(hint: Any) -> bool:
    if get_origin(hint) is Literal:
        return False
    return any(isinstance(one, str) or quoted(one) for one in get_args(hint))


@pytest.mark.parametrize("root", [Examination, Worklist, MeasureSpec, ExportSpec], ids=lambda root: root.__name__)
def test_no_name_stands_in_quotes_inside_a_list_or_a_table(root: type) -> None:
    """Python 3.10 does not look up the "Fact" of dict[str, "Fact"]; it does that of "dict[str, Fact]"."""
    for kind in dataclasses_in(root, set()):
        for field in dataclasses.fields(kind):
            assert not quoted(field.type), f"{kind.__name__}.{field.name}"
