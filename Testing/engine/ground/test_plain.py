"""Dataclasses come from JSON through one reader, which says where a value is wrong."""

import ast
import json
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from typing import Literal

import pytest

from ldct_bmd.ground.errors import UsageError
from ldct_bmd.ground.kinds import NOT_PLAIN
from ldct_bmd.ground.plain import PlainError, from_plain, read_json, to_plain
from ldct_bmd.words import Phrase, speaking
from places import LAB, MODULE


class Colour(str, Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part:
    size: tuple[int, int]
    colour: Colour = Colour.RED


@dataclass(frozen=True)
class Whole:
    name: str
    parts: tuple[Part, ...] = ()
    weight_g: float | None = None
    kind: Literal["old", "new"] = "new"
    is_sold: bool = False
    prices: dict[str, float] = field(default_factory=dict)
    shelf: str = field(default="", metadata=NOT_PLAIN)


WHOLE = Whole("a", (Part((1, 2), Colour.BLUE),), 3.5, "old", True, {"EUR": 2.0})


def test_what_is_written_is_read_as_the_same() -> None:
    assert from_plain(Whole, json.loads(json.dumps(to_plain(WHOLE)))) == WHOLE


def test_a_field_that_is_not_plain_is_neither_written_nor_read() -> None:
    assert "shelf" not in to_plain(Whole("a", shelf="3"))
    with pytest.raises(PlainError, match="shelf"):
        from_plain(Whole, {"name": "a", "shelf": "3"})


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"name": None}, "the file lacks name"),
        ({"colour": "red"}, "unknown key (colour; allowed are name, parts, weight_g, kind, is_sold and prices)"),
        ({"name": 3}, "the file's name must be text"),
        ({"weight_g": True}, "the file's weight_g must be a number"),
        ({"weight_g": 10**400}, "the file's weight_g must be a number"),
        ({"is_sold": 1}, "the file's is_sold must be true or false"),
        ({"kind": "used"}, "the file's kind must be one of old, new"),
        ({"parts": {}}, "the file's parts must be a list"),
        ({"parts": [{"size": [1, 2.5]}]}, "the file's parts[0].size[1] must be a whole number"),
        ({"parts": [{"size": [1]}]}, "the file's parts[0].size must be a list of 2"),
        ({"parts": [{"size": [1, 2], "colour": "green"}]}, "the file's parts[0].colour must be one of red, blue"),
        ({"prices": {"EUR": "2"}}, "the file's prices.EUR must be a number"),
        ({"prices": 2}, "the file's prices must be an object"),
    ],
)
def test_what_is_wrong_is_told_with_its_place(change: dict[str, object], told: str) -> None:
    with pytest.raises(PlainError) as caught:
        from_plain(Whole, to_plain(WHOLE) | change, "the file")
    assert told in str(caught.value)


def test_what_is_wrong_is_told_in_the_language_that_is_spoken() -> None:
    with pytest.raises(PlainError) as caught:
        from_plain(Whole, {"name": 3})
    with speaking("zh"):
        assert str(caught.value) == "记录中的 name 必须是文本"


def test_a_file_that_is_no_json_is_refused_with_the_line(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('{\n"a": }')
    with pytest.raises(UsageError, match="line 2"):
        read_json(tmp_path / "a.json", "The file")
    with pytest.raises(UsageError, match="check its path"):
        read_json(tmp_path / "none.json", Phrase("plain.record"))


def test_type_hints_are_taken_apart_in_one_module() -> None:
    takers = set()
    for path in [path for root in (MODULE, LAB) for path in root.rglob("*.py")]:
        names = {
            alias.name
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.ImportFrom) and node.module == "typing"
            for alias in node.names
        }
        if names & {"get_origin", "get_type_hints"}:
            takers.add(path.name)
    assert takers == {"kinds.py"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[" * 100_000 + "]" * 100_000, "nested too deep"),
        ('{"a":' * 100 + "1" + "}" * 100, "nested too deep"),
        ('{"a": ' + "9" * 5000 + "}", "5000 digits"),
        ('{"a": NaN}', "NaN"),
        ('{"a": 1e999}', "1e999"),
        ('{"a": 1, "a": 2}', "the key a twice"),
    ],
)
def test_json_that_no_program_writes_is_refused_in_a_sentence(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(UsageError, match=said):
        read_json(path, "The file")
