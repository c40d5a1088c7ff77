"""The documents hold: links, paths and functions exist, and the settings' reference is current."""

import ast
import re
from pathlib import Path

import pytest

from ddpg_ros.config.reference import with_reference
from ddpg_ros.config.settings import Config, to_parameters
from ddpg_ros.config.task_registry import OURS

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
PATH = re.compile(r"[\w.*/-]+/[\w.*-]+\.(?:py|yaml|toml|txt|xml|json|md|sh|urdf)\b")
PLACE = re.compile(r"`([\w/]+\.py): ([A-Za-z_][\w.]*)`")
FOLDERS = ("", "ddpg_ros", "docs", "benchmarks", "test/faults")
"""Below which a path in a document may be, the checkout first."""

OF_A_READER = re.compile(
    r"^(runs|install|src|\.venv|log|checkpoints|franka_panda|kuka_iiwa|talos_data"
    r"|\w+_description)/|^my_|…"
)
"""Paths on a reader's machine, or within pybullet_data or example-robot-data."""


def words(text: str) -> int:
    return len(text.split())


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as GitHub makes them."""
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def names_in(file: Path) -> set[str]:
    """Functions, classes and `Class.method` that a file defines."""
    found: set[str] = set()
    for node in ast.parse(file.read_text()).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        if isinstance(node, ast.ClassDef):
            methods = [part for part in node.body if isinstance(part, ast.FunctionDef)]
            found |= {f"{node.name}.{method.name}" for method in methods}
    return found


def located(path: str) -> Path | None:
    return next((ROOT / f / path for f in FOLDERS if any((ROOT / f).glob(path))), None)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_within_the_repository_leads_to_a_file_and_a_heading(page: Path) -> None:
    for link in LINK.findall(page.read_text()):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), f"{page.name} links to {link}"
        if anchor:
            assert anchor in anchors(target), f"{page.name} links to {link}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_path_that_a_page_names_exists(page: Path) -> None:
    for path in set(PATH.findall(LINK.sub("]()", page.read_text()))):
        if not OF_A_READER.search(path):
            assert located(path), f"{page.name} names {path}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_function_that_a_page_names_is_in_the_file_that_it_names(page: Path) -> None:
    for path, name in PLACE.findall(page.read_text()):
        file = located(path)
        assert file, f"{page.name} names {path}"
        assert name in names_in(file), f"{page.name}: {path} has no {name}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_target_that_a_page_names_is_in_the_makefile(page: Path) -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert (
        set(re.findall(r"(?:^|`)make (?:-C \S+ )?([a-z-]+)", page.read_text(), re.MULTILINE))
        <= targets
    )


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_setting_that_a_page_names_is_one(page: Path) -> None:
    settings = set()
    for task in OURS:
        settings |= to_parameters(Config().with_parameters({"task.name": task})).keys()
    sections = "|".join(sorted({name.partition(".")[0] for name in settings}))
    named = re.findall(rf"(?<![\w/.-])((?:{sections})\.[a-z_]+)\b(?![/(])", page.read_text())
    others = {name for name in named if name.endswith((".md", ".py", ".json", ".gym_env"))}
    if page.name == "your-task.md":
        others |= {name for name in named if name.startswith("task.")}  # those of its own task
    assert set(named) - others - settings == set()


def test_the_walks_name_a_function_at_each_step() -> None:
    steps = [line for line in (ROOT / "docs/architecture.md").read_text().splitlines()]
    steps = [line for line in steps if re.match(r"\| \d", line)]
    assert len(steps) > 20
    assert all(PLACE.search(line) for line in steps)


def test_the_readme_has_at_most_700_words() -> None:
    assert words((ROOT / "README.md").read_text()) <= 700


def test_every_page_in_docs_is_one_link_away_from_the_readme() -> None:
    linked = set(LINK.findall((ROOT / "README.md").read_text()))
    assert {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")} <= linked


def test_the_reference_of_the_settings_is_current() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    assert with_reference(page) == page, (
        "run python -m ddpg_ros.config.reference docs/configuration.md"
    )


def test_the_reference_has_every_setting() -> None:
    page = (ROOT / "docs/configuration.md").read_text()
    assert [name for name in to_parameters(Config()) if f"| `{name}` |" not in page] == []


def test_a_page_without_the_marks_is_refused() -> None:
    with pytest.raises(ValueError, match="the page lacks a mark"):
        with_reference("# Configuration\n")


def test_each_test_of_a_fault_is_there() -> None:
    """A name that ends in … stands for every test that begins so."""
    page = (ROOT / "docs/faults.md").read_text()
    file = ""
    for path, name in re.findall(r"`([\w/]+\.py|…)::(test_\w+…?)`", page):
        file = path if path != "…" else file
        found = located(file)
        assert found, file
        start = name.removesuffix("…")
        tests = [test for test in names_in(found) if test.startswith(start)]
        assert tests if name.endswith("…") else start in tests, f"{file} has no {name}"
