"""Version, changelog, citation and forms say the same, and are what the services that read them take."""

import re
from pathlib import Path

import pytest

import ldct_bmd
import ldct_bmd_lab
import ldct_bmd_web
from places import ROOT

VERSION = ldct_bmd.__version__
FORMS = sorted((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def public_ci() -> dict:
    return load(ROOT / ".github" / "workflows" / "ci.yml")["jobs"]


def load(path: Path) -> dict:
    yaml = pytest.importorskip("yaml")
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def test_the_version_is_written_once_in_each_distribution_and_everywhere_the_same() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", VERSION)
    assert ldct_bmd_lab.__version__ == VERSION
    assert ldct_bmd_web.__version__ == VERSION
    for name in ("pyproject.toml", "Lab/pyproject.toml", "Web/pyproject.toml"):
        assert 'dynamic = ["version"]' in read(name)
        assert not re.search(r'^version = "', read(name), re.MULTILINE)
    assert re.search(rf"^version: {re.escape(VERSION)}$", read("CITATION.cff"), re.MULTILINE)


def test_cmake_takes_the_version_from_the_package() -> None:
    text = read("CMakeLists.txt")
    assert "LDCTBoneDensity/ldct_bmd/__init__.py" in text
    (pattern,) = re.findall(r'string\(REGEX MATCH "(.*?)" ', text)
    found = re.search(pattern.replace('\\"', '"').replace("\\\\", "\\"), read("LDCTBoneDensity/ldct_bmd/__init__.py"))
    assert found is not None
    assert found[1] == VERSION
    assert VERSION not in text


def test_the_changelog_keeps_the_form_and_begins_with_what_is_next() -> None:
    text = read("CHANGELOG.md")
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d{2}-\d{2}))?$", text, re.MULTILINE)
    assert headings[0] == ("Unreleased", "")
    assert headings[1][0] == VERSION
    assert all(date for _, date in headings[1:])
    for name, _ in headings:
        assert re.search(rf"^\[{re.escape(name)}\]: https://", text, re.MULTILINE)


def test_the_citation_names_the_paper_whose_method_this_is() -> None:
    cited = load(ROOT / "CITATION.cff")
    assert {"cff-version", "message", "title", "authors"} <= set(cited)
    assert cited["cff-version"] == "1.2.0"
    (paper,) = cited["references"]
    assert paper["doi"] == "10.1007/s00330-020-06679-y"


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_a_form_is_one_that_github_shows(path: Path) -> None:
    form = load(path)
    if path.name == "config.yml":
        assert set(form) <= {"blank_issues_enabled", "contact_links"}
        return
    assert {"name", "description", "body"} <= set(form) <= {"name", "description", "body", "labels", "title"}
    asked = [part for part in form["body"] if part["type"] != "markdown"]
    assert len({part["id"] for part in asked}) == len(asked)
    for part in asked:
        assert part["type"] in ("textarea", "input", "dropdown", "checkboxes")
        assert part["attributes"]["label"]


def test_no_form_of_a_fault_can_be_sent_without_a_promise_of_privacy() -> None:
    for name in ("wrong-number.yml", "fault.yml"):
        (promise,) = [
            part for part in load(ROOT / ".github" / "ISSUE_TEMPLATE" / name)["body"] if part.get("id") == "private"
        ]
        assert promise["attributes"]["options"][0]["required"] is True


def test_the_public_ci_is_marked_as_not_run_and_gives_commands_that_exist() -> None:
    assert read(".github/workflows/ci.yml").startswith("# NOT YET RUN")
    jobs = public_ci()
    assert {"lint", "linux", "other-systems", "docs", "wheels"} == set(jobs)
    for job in jobs.values():
        for step in job["steps"]:
            for target in re.findall(r"^make ([\w-]+)", step.get("run", "")):
                assert re.search(rf"^{target}:", read("Makefile"), re.MULTILINE), target
    assert set(jobs["linux"]["strategy"]["matrix"]["python"]) == {"3.10", "3.11", "3.12", "3.13"}


def test_the_public_ci_installs_what_the_projects_own_ci_installs() -> None:
    own = re.search(r"packages=\((.*?)\)", read(".ci/run"), re.DOTALL)
    assert own is not None
    (public,) = [step["run"] for step in public_ci()["linux"]["steps"] if "apt-get" in step.get("run", "")]
    # GitHub's machines come with Chrome; of Chromium, Ubuntu's packages bring a stub.
    assert set(own[1].split()) - {"chromium"} <= set(public.split())
