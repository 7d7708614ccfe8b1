"""The image is built from what is there, and runs as nobody."""

from __future__ import annotations

import re
import tomllib

from tests.unit.deploy.files import DEPLOY

ROOT = DEPLOY.parent
TEXT = (DEPLOY / "Containerfile").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def test_every_package_is_copied() -> None:
    packages = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    copied = set(re.findall(r"^COPY (\w+) \w+$", TEXT, re.MULTILINE))
    assert copied == set(packages)


def test_what_is_copied_is_not_ignored() -> None:
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    sources = {
        word for line in re.findall(r"^COPY (?!--from)(.+) \S+$", TEXT, re.MULTILINE) for word in line.split()
    }
    assert sources == kept


def test_each_extra_has_a_lock() -> None:
    found = re.search(r'^ARG EXTRAS="(.+)"$', TEXT, re.MULTILINE)
    assert found
    extras = found[1].split()
    assert set(extras) <= PROJECT["project"]["optional-dependencies"].keys()
    assert all((DEPLOY / "requirements" / f"{extra}.txt").is_file() for extra in extras)


def test_locks_are_hashed_and_name_no_host() -> None:
    for lock in (DEPLOY / "requirements").glob("*.txt"):
        text = lock.read_text()
        assert "://" not in text, lock.name
        pins = re.findall(r"^\S+==\S+(?: ; .+?)? (\\)?$", text, re.MULTILINE)
        assert pins, lock.name
        assert text.count("==") <= text.count("--hash=sha256:"), lock.name


def test_it_runs_as_nobody() -> None:
    assert TEXT.rstrip().splitlines()[-2] == "USER 65534:65534"
