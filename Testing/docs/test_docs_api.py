"""Every public name of the engine is documented: what it is, its arguments with their units, and what it raises."""

import re
from collections.abc import Iterator

import pytest

import ldct_bmd
from places import DOCS, MODULE

griffe = pytest.importorskip("griffe", reason="the documentation's tools ask for Python 3.11")

API = (DOCS / "reference" / "api.md").read_text(encoding="utf-8")
SHOWN = re.findall(r"^::: (ldct_bmd[\w.]+)$", API, re.MULTILINE)
# A quantity of these words has a unit: in the name, or in what is said of it.
QUANTITY = re.compile(r"(spacing|thickness|height|volume|slope|intercept|kvp|bmd|hu|sd|error|age|margin)")
UNIT = re.compile(
    r"(_mm|_hu|_ml|_mg_cm3|_years|_s|_deg|mm\b|HU\b|Hounsfield|mg/cm3|ml\b|kV|degrees|years|fraction|0 to 1)"
)


@pytest.fixture(scope="module")
def package():
    return griffe.load("ldct_bmd", search_paths=[str(MODULE)], docstring_parser="google", resolve_aliases=True)


def members(one) -> Iterator:
    """A public object and, of a class, what it has itself."""
    yield one
    if one.is_class:
        yield from (
            child for name, child in one.members.items() if not name.startswith("_") and child.kind.value == "function"
        )


def find(package, name: str):
    found = package[name.removeprefix("ldct_bmd.")]
    return found.final_target if found.is_alias else found


def sections(one, kind: str) -> list:
    found = [section.value for section in one.docstring.parsed if section.kind.value == kind]
    return [entry for section in found for entry in section]


@pytest.fixture(scope="module", params=SHOWN)
def shown(request: pytest.FixtureRequest, package):
    return find(package, request.param)


def test_the_page_shows_every_name_that_the_package_offers() -> None:
    assert {name.rpartition(".")[2] for name in SHOWN} >= set(ldct_bmd.__all__)
    assert len(SHOWN) == len(set(SHOWN))


def missing(found: list[str]) -> None:
    assert not found, "\n" + "\n".join(found)


def test_a_name_and_its_methods_say_what_they_are(shown) -> None:
    missing([one.path for one in members(shown) if one.docstring is None or not sections(one, "text")])


def test_each_argument_is_said(shown) -> None:
    found = []
    for one in members(shown):
        if one.kind.value != "function" or one.docstring is None:
            continue
        told = {entry.name for entry in sections(one, "parameters")}
        for parameter in one.parameters:
            name = parameter.name.lstrip("*")
            if name in ("self", "cls") or parameter.kind.value.startswith("variadic"):
                continue
            if name not in told and f"``{name}``" not in one.docstring.value:
                found.append(f"{one.path}: {name}")
    missing(found)


def test_each_field_is_said_with_its_unit(shown) -> None:
    if not shown.is_class or "dataclass" not in str([d.value for d in shown.decorators]):
        return
    found = []
    told = {name.strip(): entry for entry in sections(shown, "attributes") for name in entry.name.split(",")}
    for name, field in shown.members.items():
        if name.startswith("_") or field.kind.value != "attribute" or "property" in field.labels:
            continue
        if name not in told and not field.docstring and f"``{name}``" not in shown.docstring.value:
            found.append(f"{shown.path}.{name}")
        words = f"{name} {told[name].description if name in told else shown.docstring.value}"
        if QUANTITY.search(name) and "float" in str(field.annotation) and not UNIT.search(words):
            found.append(f"{shown.path}.{name} has no unit")
    missing(found)


def test_each_error_is_said(shown) -> None:
    found = []
    for one in members(shown):
        if one.kind.value != "function" or one.docstring is None:
            continue
        told = {str(entry.annotation) for entry in sections(one, "raises")}
        source = "".join(one.source)
        for kind in set(re.findall(r"^\s+raise (\w+)\(", source, re.MULTILINE)):
            if kind not in told and kind not in one.docstring.value:
                found.append(f"{one.path} raises {kind}")
    missing(found)
