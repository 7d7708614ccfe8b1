"""What to install: the flags of `install` and `bootstrap` as one checked value (specs/cli.md 12.1)."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from cli.problems import CliError

DEFAULT_COMPONENTS = (
    "source-controller",
    "kustomize-controller",
    "helm-controller",
    "notification-controller",
)
EXTRA_COMPONENTS = ("image-automation-controller",)
COMPONENTS = DEFAULT_COMPONENTS + EXTRA_COMPONENTS
LOG_LEVELS = ("debug", "info", "error")
# Flux runs these as controllers of their own; here another one does their work.
_PART_OF = {
    "image-reflector-controller": "image-automation-controller",
    "source-watcher": "source-controller",
}
_IMAGE_PREFIX = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9._:/-]*")
_DOMAIN = re.compile(r"[a-z0-9]([a-z0-9.-]*[a-z0-9])?")
_NAME = re.compile(r"[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?")
_TAINT = re.compile(r"([a-z0-9.-]{1,253}/)?[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?")


@dataclass(frozen=True, slots=True)
class Plan:
    """An installation. `registry` is empty for the image as the manifests name it."""

    components: tuple[str, ...]
    namespace: str = "flux-system"
    registry: str = ""
    pull_secret: str = ""
    watch_all: bool = True
    log_level: str = "info"
    network_policy: bool = True
    cluster_domain: str = "cluster.local"
    toleration_keys: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Raises CliError for a value that would make manifests that no cluster takes."""
        _require(self.registry, _IMAGE_PREFIX, "--registry", "registry.example.com/team")
        _require(self.pull_secret, _NAME, "--image-pull-secret", "the name of a Secret")
        _require(self.cluster_domain, _DOMAIN, "--cluster-domain", "cluster.local")
        for key in self.toleration_keys:
            _require(key, _TAINT, "--toleration-keys", "the key of a taint")
        if self.log_level not in LOG_LEVELS:
            raise CliError(f"log level '{self.log_level}' is not one of {', '.join(LOG_LEVELS)}")


def _require(value: str, pattern: re.Pattern[str], flag: str, example: str) -> None:
    if value and not pattern.fullmatch(value):
        raise CliError(f'{flag} "{value}" cannot be used: give something like {example}')


def chosen(components: Iterable[str], extra: Iterable[str]) -> tuple[str, ...]:
    """The components by our names, in the order in which they are installed.

    Each value may hold several, separated by commas. Raises CliError for one that there is not.
    """
    named = [*split(components), *split(extra)]
    for name in named:
        if name not in COMPONENTS and name not in _PART_OF:
            raise CliError(f"component {name} is not available; there are {', '.join(COMPONENTS)}")
    wanted = {_PART_OF.get(name, name) for name in named}
    if not wanted:
        raise CliError("no component is named: leave --components out for the default ones")
    return tuple(component for component in COMPONENTS if component in wanted)


def split(values: Iterable[str]) -> list[str]:
    """Words of a flag that may be repeated and may hold commas."""
    return [word.strip() for value in values for word in value.split(",") if word.strip()]
