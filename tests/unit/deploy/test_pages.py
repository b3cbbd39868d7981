"""Pages that are made from, or compared with, the code."""

import ast
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from core.settings import ROOT
from deploy.configuration import page

CODE = ("core", "agents", "breakers", "state", "pipeline", "tasks", "api", "deploy", "celeryconfig.py")
OWN = {Path(name).stem for name in CODE}
# Used through the package that depends on it and re-exports it.
COMES_WITH = {"pydantic_core": "pydantic", "starlette": "fastapi", "urllib3": "requests", "h11": "uvicorn"}
OPTIONAL = "opentelemetry"  # installed by whoever wants traces


def pinned(file: str) -> list[str]:
    lines = (ROOT / file).read_text().splitlines()
    return [line.partition("==")[0] for line in lines if line and not line.startswith(("#", "-"))]


def documented(heading: str) -> list[str]:
    text = (ROOT / "docs" / "dependencies.md").read_text()
    section = text.split(f"## {heading}")[1].split("\n## ")[0]
    return re.findall(r"^\| (\S+) \| [A-Z][^|]+\. \|$", section, re.MULTILINE)


def imported() -> set[str]:
    return {module.partition(".")[0] for file in files() for module in _modules(ast.parse(file.read_text()))}


def files() -> list[Path]:
    return [path for name in CODE if (ROOT / name).exists()
            for path in ([ROOT / name] if name.endswith(".py") else (ROOT / name).rglob("*.py"))]


def _modules(tree: ast.Module) -> set[str]:
    plain = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
    return plain | {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}


@pytest.mark.parametrize(("file", "heading"), [
    ("requirements.txt", "Runtime"), ("requirements-otel.txt", "Traces, optional"),
    ("requirements-dev.txt", "Tests and checks")])
def test_every_pin_has_its_reason_and_every_reason_its_pin(file: str, heading: str) -> None:
    assert documented(heading) == pinned(file)


def test_what_the_code_imports_is_pinned_for_the_runtime() -> None:
    distributions = packages_distributions()
    foreign = imported() - OWN - {OPTIONAL} - set(sys.stdlib_module_names)
    wanted = {COMES_WITH.get(name.lower(), name.lower()) for module in foreign for name in distributions[module]}
    assert wanted <= {name.lower() for name in pinned("requirements.txt")}


def test_what_is_optional_is_imported_in_one_place_and_not_at_its_top() -> None:
    (only,) = [file for file in files() if OPTIONAL in file.read_text()]
    assert only == ROOT / "core" / "tracing.py"
    top = [node for node in ast.parse(only.read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert not any(OPTIONAL in ast.unparse(node) for node in top)


def test_the_page_of_settings_is_current() -> None:
    assert (ROOT / "docs" / "configuration.md").read_text() == page(), (
        "python -m deploy.configuration > docs/configuration.md")


def test_every_picture_of_a_page_is_there_and_small():
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    shown = re.compile(r"!\[[^]]+\]\(([^)]+)\)")
    pictures = {page.parent / found for page in pages for found in shown.findall(page.read_text())}
    assert len(pictures) > 15
    assert [picture for picture in pictures if not picture.is_file() or picture.stat().st_size > 250_000] == []
