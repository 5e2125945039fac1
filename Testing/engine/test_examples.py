"""The examples in docstrings give what they say."""

import doctest
import importlib

import pytest

from places import LAB, MODULE

PACKAGES = (MODULE / "ldct_bmd", LAB / "ldct_bmd_lab")
WITH_EXAMPLES = [
    ".".join(path.relative_to(package.parent).with_suffix("").parts)
    for package in PACKAGES
    for path in sorted(package.rglob("*.py"))
    if ">>> " in path.read_text(encoding="utf-8")
]


@pytest.mark.parametrize("module", WITH_EXAMPLES)
def test_the_examples_of_a_module_hold(module: str) -> None:
    done = doctest.testmod(importlib.import_module(module))
    assert done.attempted
    assert not done.failed


def test_there_are_examples_where_one_helps() -> None:
    assert {"ldct_bmd.assessment", "ldct_bmd.calibration.nominal", "ldct_bmd.scan.ct_scan"} <= set(WITH_EXAMPLES)
