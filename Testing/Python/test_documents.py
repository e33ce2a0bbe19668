"""Documents and settings for other machines say what is so: links, paths, versions, workflows."""

import re
from pathlib import Path

import pytest
import yaml

import CTCounterfactualLib

REPOSITORY = Path(__file__).resolve().parents[2]
LIBRARY = "CTCounterfactual/CTCounterfactualLib/"
PAGES = [
    *sorted(REPOSITORY.glob("*.md")),
    *sorted((REPOSITORY / "docs").rglob("*.md")),
]
# `a/b.py`, `a/b/` or `AB.cff` in code marks, if it begins like something of ours.
PATH = re.compile(r"`((?:[\w.-]+/)+[\w.-]*|[A-Z]\w+\.(?:md|cff|txt))`")


def _text(name: str) -> str:
    return (REPOSITORY / name).read_text(encoding="utf-8")


def _title(page: Path) -> str:
    return page.relative_to(REPOSITORY).as_posix()


def _anchor(heading: str) -> str:
    """Return the anchor that GitHub gives a heading."""
    return re.sub(r"[^\w -]", "", heading.strip().lower()).replace(" ", "-")


@pytest.mark.parametrize("page", PAGES, ids=_title)
def test_links_within_the_repository_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{_title(page)}: no {target}"
        if anchor:
            headings = re.findall(r"^#+ (.*)$", there.read_text(encoding="utf-8"), re.M)
            assert anchor in map(_anchor, headings), f"{_title(page)}: no heading {target}"


@pytest.mark.parametrize("name", ["CONTRIBUTING.md", "docs/where-to-add.md"])
def test_paths_that_newcomers_are_sent_to_exist(name):
    """Those of the engine are given below its folder; what a run makes (`site/`) isn't there."""
    named = set(PATH.findall(_text(name))) - {"site/", "../shared/data/ct"}
    assert named
    missing = [
        path
        for path in named
        if not (REPOSITORY / path).exists() and not (REPOSITORY / LIBRARY / path).exists()
    ]
    assert missing == []


def test_the_glossarys_names_are_those_of_the_code():
    rows = _text("CONTRIBUTING.md").split("## Glossary")[1].split("\n## ")[0].splitlines()
    rows = [row.split(" | ") for row in rows if row.startswith("| ")][1:]
    assert len(rows) >= 12
    code = "".join(
        path.read_text(encoding="utf-8") for path in (REPOSITORY / "CTCounterfactual").rglob("*.py")
    )
    named = [name for row in rows for name in re.findall(r"`([\w.]+)`", row[-1])]
    unknown = [
        part
        for name in named
        if not name.endswith(".py")
        for part in name.split(".")
        if not re.search(rf"\b{part}\b", code)
    ]
    assert named and unknown == []


def test_citation_and_changelog_tell_the_version():
    version = CTCounterfactualLib.__version__
    assert str(yaml.safe_load(_text("CITATION.cff"))["version"]) == version
    released = re.findall(r"^## \[([\d.]+)\] - \d{4}-\d\d-\d\d$", _text("CHANGELOG.md"), re.M)
    assert released[0] == version
    assert "## [Unreleased]" in _text("CHANGELOG.md").split(f"## [{version}]")[0]


def test_the_workflow_runs_the_test_script_on_every_supported_python():
    (job,) = yaml.safe_load(_text(".github/workflows/tests.yml"))["jobs"].values()
    matrix = job["strategy"]["matrix"]
    assert {system.split("-")[0] for system in matrix["os"]} == {"ubuntu", "windows", "macos"}
    supported = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', _text("pyproject.toml"))
    assert matrix["python"] == supported
    assert f'requires-python = ">={supported[0]}"' in _text("pyproject.toml")
    assert job["steps"][-1]["run"] == "bash Testing/test.sh"


def test_the_matrix_has_every_python_and_what_the_package_allows_at_least():
    rows = re.findall(r'^  "(\w+)\|([\d.]+)\|(.*)"$', _text("Testing/matrix.sh"), re.M)
    supported = re.findall(r'"Programming Language :: Python :: (3\.\d+)"', _text("pyproject.toml"))
    assert [python for _, python, _ in rows] == supported
    name, _, pins = rows[0]
    assert name == "oldest"
    for package in ("numpy", "torch"):
        (least,) = re.findall(rf'"{package}>=([\d.]+)"', _text("pyproject.toml"))
        assert f"{package}=={least}.*" in pins


def test_the_extension_workflow_packages_what_cmake_describes():
    (job,) = yaml.safe_load(_text(".github/workflows/extension.yml"))["jobs"].values()
    commands = "\n".join(step.get("run", "") for step in job["steps"])
    assert "-DSlicer_DIR=" in commands and "--target package" in commands


@pytest.mark.parametrize("form", ["bug", "model", "scan"])
def test_issue_forms_ask_and_warn(form):
    """GitHub shows a form only if name, description and body are there."""
    asked = yaml.safe_load(_text(f".github/ISSUE_TEMPLATE/{form}.yml"))
    assert asked["name"] and asked["description"]
    questions = [field for field in asked["body"] if field["type"] != "markdown"]
    ids = [field["id"] for field in questions]
    assert len(set(ids)) == len(ids)
    assert any(field.get("validations", {}).get("required") for field in questions)


def test_pre_commit_runs_the_ruff_that_the_tests_allow():
    hooks = yaml.safe_load(_text(".pre-commit-config.yaml"))["repos"]
    assert {"ruff-check", "cmake-lists", "address"} <= {h["id"] for r in hooks for h in r["hooks"]}
    for hook in (hook for repo in hooks if repo["repo"] == "local" for hook in repo["hooks"]):
        script = hook["entry"].split()[1]
        assert (REPOSITORY / script).is_file()
