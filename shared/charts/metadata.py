"""Chart.yaml as a value, and what Helm demands of it before it believes in a chart: pure.

Follows Helm's own validation of chart metadata; names are a little stricter, since they become names
of files.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from shared.logic.go_scalars import go_float
from shared.logic.semver import InvalidVersion, Version

LOCAL = "file://"
_MAX_NAME = 250
_MAX_DEPENDENCIES = 500
_NAME = re.compile(r"[^\s/\\]+")
_ALIAS = re.compile(r"[a-zA-Z0-9_-]+")
_TYPES = ("", "application", "library")


class InvalidMetadata(ValueError):
    """What Chart.yaml says cannot be a chart."""


@dataclass(frozen=True, slots=True)
class Dependency:
    """`version` may be a range; `repository` is empty for what lies in charts/ already."""

    name: str
    version: str = ""
    repository: str = ""
    alias: str = ""

    @classmethod
    def parse(cls, raw: object) -> Self:
        """Raises InvalidMetadata."""
        if not isinstance(raw, Mapping):
            raise InvalidMetadata("dependencies must not contain empty or null nodes")
        name, version, repository, alias = (
            text_of(raw, field) for field in ("name", "version", "repository", "alias")
        )
        if alias and not _ALIAS.fullmatch(alias):
            raise InvalidMetadata(f"dependency {name[:100]!r} has disallowed characters in the alias")
        return cls(name, version, repository, alias)

    @property
    def is_local(self) -> bool:
        """Whether it is looked for beside the chart instead of in a repository."""
        return not self.repository or self.repository.startswith(LOCAL)

    @property
    def shown(self) -> str:
        """What the parent chart calls it."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class Metadata:
    """`version` is as written; it is a semantic version, perhaps with `v` or fewer than three parts."""

    api_version: str
    name: str
    version: str
    dependencies: tuple[Dependency, ...] = ()

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        """Raises InvalidMetadata, saying which field and why."""
        api_version, name, version, kind = (
            text_of(raw, field) for field in ("apiVersion", "name", "version", "type")
        )
        if not api_version:
            raise InvalidMetadata("chart.metadata.apiVersion is required")
        require_name(name)
        require_version(version)
        if kind not in _TYPES:
            raise InvalidMetadata("chart.metadata.type must be application or library")
        if any(maintainer is None for maintainer in list_of(raw, "maintainers")):
            raise InvalidMetadata("maintainers must not contain empty or null nodes")
        dependencies = dependencies_of(raw)
        return cls(api_version, name, version, dependencies)


def require_name(name: str) -> None:
    """Raises InvalidMetadata for what is no name of a chart, or no name of a file."""
    if not name:
        raise InvalidMetadata("chart.metadata.name is required")
    is_plain = len(name) <= _MAX_NAME and name.isprintable() and _NAME.fullmatch(name)
    if name in (".", "..") or not is_plain:
        raise InvalidMetadata(f"chart.metadata.name {name[:100]!r} is invalid")


def require_version(version: str) -> None:
    """Raises InvalidMetadata."""
    if not version:
        raise InvalidMetadata("chart.metadata.version is required")
    try:
        Version.parse(version)
    except InvalidVersion as error:
        raise InvalidMetadata(f"chart.metadata.version {version[:100]!r} is invalid") from error


def dependencies_of(raw: Mapping[str, Any]) -> tuple[Dependency, ...]:
    """The field `dependencies` of Chart.yaml, Chart.lock or requirements.yaml. Raises InvalidMetadata."""
    listed = list_of(raw, "dependencies")
    if len(listed) > _MAX_DEPENDENCIES:
        raise InvalidMetadata(f"more than {_MAX_DEPENDENCIES} dependencies")
    return tuple(Dependency.parse(each) for each in listed)


def require_unique(dependencies: tuple[Dependency, ...]) -> None:
    """Charts must call each dependency by another name; indexes are more tolerant. Raises InvalidMetadata."""
    seen = set[str]()
    for dependency in dependencies:
        if dependency.shown in seen:
            raise InvalidMetadata(f"more than one dependency with name or alias {dependency.shown[:100]!r}")
        seen.add(dependency.shown)


def text_of(raw: Mapping[str, Any], field: str) -> str:
    """A field that is text; a number, as `version: 1` gives one, is read as its text."""
    value = raw.get(field)
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return go_float(value) if isinstance(value, float) else str(value)
    raise InvalidMetadata(f"chart.metadata.{field} is no text")


def list_of(raw: Mapping[str, Any], field: str) -> list[Any]:
    """A field that is a list; empty where it is absent."""
    value = raw.get(field)
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidMetadata(f"chart.metadata.{field} is no list")
    return value
