"""The code base tests its own conventions: what no linter checks, and is easily forgotten."""

from __future__ import annotations

import ast
import itertools
import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("shared", "controllers", "cli", "localcluster")
MAX_LINES = 400
MAX_FUNCTION_LINES = 60
DRAWERS = {"utils", "util", "helpers", "helper", "common", "misc", "base", "tools"}
BROAD = {"Exception", "BaseException"}
# Who may catch everything, once, and why. Everyone else names what can go wrong.
MAY_CATCH_ALL = {
    "shared/runtime/attempt.py": "one object's bug must not stop the others",
    "shared/runtime/process.py": "a process says why it dies",
    "controllers/notification/dispatch.py": "one notification's bug must not stop the others",
    "shared/git/worker.py": "a process boundary: the parent gets every failure as a value",
    "shared/charts/worker.py": "a process boundary: the parent gets every failure as a value",
    "shared/git/sign.py": "the library raises plain Exception",
    "shared/git/verify.py": "the library raises plain Exception",
    "shared/cloud/blocking.py": "three vendors, each with exceptions of its own",
    "localcluster/http/server.py": "one request's bug must not stop the others",
    "localcluster/housekeeping/worklist.py": "one object's bug must not stop the others",
}
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
MACHINE_PATH = re.compile(r"(?<![\w.~/-])/(?:work|root|home|Users|tmp/w)/\w")


def python_files(*folders: str) -> list[Path]:
    return sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py"))


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


SOURCES = python_files(*PACKAGES)
ALL = [*SOURCES, *python_files("tests")]
TEXTS = [
    *ALL,
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    ROOT / "Makefile",
    ROOT / ".ci" / "run",
    *sorted(path for path in (ROOT / "deploy").rglob("*") if path.suffix in {".yaml", ".md"}),
]


def catches_all(handler: ast.ExceptHandler) -> bool:
    """Does it end the exception, whatever that is? Tidying up and raising again is no catching."""
    caught = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    broad = any(each is None or (isinstance(each, ast.Name) and each.id in BROAD) for each in caught)
    last = handler.body[-1]
    return broad and not (isinstance(last, ast.Raise) and last.exc is None)


def handlers(path: Path) -> list[int]:
    """Lines of the handlers that catch everything."""
    tree = ast.parse(path.read_text())
    return [
        node.lineno for node in ast.walk(tree) if isinstance(node, ast.ExceptHandler) and catches_all(node)
    ]


@pytest.mark.parametrize("path", ALL, ids=named)
def test_a_file_is_one_idea(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= MAX_LINES
    assert path.stem not in DRAWERS


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_function_fits_a_screen(path: Path) -> None:
    long = {
        node.name: node.end_lineno - node.lineno + 1
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES
    }
    assert long == {}


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_who_catches_everything(path: Path) -> None:
    assert len(handlers(path)) <= (1 if named(path) in MAY_CATCH_ALL else 0), handlers(path)


@pytest.mark.parametrize("path", TEXTS, ids=named)
def test_nothing_is_left_for_later_and_no_machine_is_named(path: Path) -> None:
    if path == Path(__file__):
        return
    lines = path.read_text().splitlines()
    found = [line for line in lines if UNFINISHED.search(line) or MACHINE_PATH.search(line)]
    assert found == []


@pytest.mark.parametrize("path", SOURCES, ids=named)
def test_a_module_says_why_it_exists(path: Path) -> None:
    text = path.read_text()
    assert not text.strip() or ast.get_docstring(ast.parse(text))


def test_the_layers_hold() -> None:
    """Fails with the offending import and its line."""
    lint = Path(sys.executable).parent / "lint-imports"
    done = subprocess.run([lint, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def make_targets() -> set[str]:
    return set(re.findall(r"^\.PHONY: (\S+)$", (ROOT / "Makefile").read_text(), re.MULTILINE))


def shell_lines(path: Path) -> list[str]:
    """The lines of the fenced shell blocks of a page."""
    blocks = re.findall(r"^```(?:sh|bash|console)\n(.*?)^```", path.read_text(), re.MULTILINE | re.DOTALL)
    return [line.removeprefix("$ ") for block in blocks for line in block.splitlines()]


PAGES = [path for path in TEXTS if path.suffix == ".md"]


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_commands_of_the_pages_exist(path: Path) -> None:
    """`make x` has a target x, and `-k deploy/...` and `-m package` name what is there."""
    for line in shell_lines(path):
        words = shlex.split(line, comments=True)
        if words[:1] == ["make"]:
            assert {word for word in words[1:] if "=" not in word} <= make_targets(), line
        for flag, value in itertools.pairwise(words):
            if flag in {"-k", "--kustomize"}:
                assert (ROOT / value / "kustomization.yaml").is_file(), line
            if flag == "-m" and words[0].startswith(("python", ".venv/bin/python")):
                module = ROOT.joinpath(*value.split("."))
                assert value in {"venv", "pip"} or module.is_dir() or module.with_suffix(".py").is_file(), (
                    line
                )


@pytest.mark.parametrize("path", PAGES, ids=named)
def test_links_of_the_pages_lead_somewhere(path: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", path.read_text())
    local = [target for target in targets if "://" not in target and not target.startswith("mailto:")]
    assert [target for target in local if not (path.parent / target).exists()] == []


def test_every_target_explains_itself() -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert [
        name for name in make_targets() if not re.search(rf"^{name}:.*## \S", makefile, re.MULTILINE)
    ] == []


def test_console_scripts_exist() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    for script, entry in scripts.items():
        module, function = entry.split(":")
        path = ROOT.joinpath(*module.split(".")).with_suffix(".py")
        assert path.is_file(), script
        names = {node.name for node in ast.parse(path.read_text()).body if isinstance(node, ast.FunctionDef)}
        assert function in names, script
