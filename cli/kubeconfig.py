"""Which cluster the command speaks to: the files of $KUBECONFIG, one context, and what flags say instead.

The result has exactly one cluster, one user and one context, and every path in it is absolute.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from cli.problems import CliError
from cli.settings import Settings

_MAX_BYTES = 4 * 1024 * 1024
_PATHS = ("certificate-authority", "client-certificate", "client-key", "tokenFile")
_NAME = "headwater"


@dataclass(frozen=True, slots=True)
class Chosen:
    """`config` is None when there is no file at all: then a pod's service account may do."""

    config: Mapping[str, Any] | None
    namespace: str


def choose(settings: Settings, environ: Mapping[str, str]) -> Chosen:
    """Raises CliError for a file, context, cluster or user that is not there."""
    files = _files(settings.kubeconfig, environ)
    merged = _merged(files)
    if not files and not settings.cluster_fields.get("server"):
        return Chosen(None, "")
    context = _context(merged, settings)
    cluster = _of_kind(merged, "cluster", settings.cluster or context.get("cluster") or "")
    user = _of_kind(merged, "user", settings.user or context.get("user") or "")
    cluster |= settings.cluster_fields
    if "certificate-authority" in settings.cluster_fields:
        cluster.pop("certificate-authority-data", None)
    if settings.cluster_fields.get("insecure-skip-tls-verify"):
        cluster.pop("certificate-authority-data", None)
        cluster.pop("certificate-authority", None)
    if "token" in settings.user_fields:
        user = {}
    user |= settings.user_fields
    for flag in ("client-certificate", "client-key"):
        if flag in settings.user_fields:
            user.pop(f"{flag}-data", None)
    if not cluster.get("server"):
        raise CliError("the kubeconfig names no API server: choose one by --context, --cluster or --server")
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": _NAME, "cluster": cluster}],
        "users": [{"name": _NAME, "user": user}],
        "contexts": [{"name": _NAME, "context": {"cluster": _NAME, "user": _NAME}}],
        "current-context": _NAME,
    }
    return Chosen(config, str(context.get("namespace") or "default"))


def _files(flag: str, environ: Mapping[str, str]) -> list[Path]:
    """Those that exist; one that a flag names must."""
    if flag:
        if not Path(flag).is_file():
            raise CliError(f'there is no kubeconfig "{flag}": check --kubeconfig')
        return [Path(flag)]
    listed = environ.get("KUBECONFIG", "")
    paths = [Path(item) for item in listed.split(":") if item] or [Path("~/.kube/config").expanduser()]
    return [path for path in paths if path.is_file()]


def _merged(files: Iterable[Path]) -> dict[str, Any]:
    """As kubectl merges: the first file that defines a name, or the current context, wins."""
    merged: dict[str, Any] = {"current-context": "", "cluster": {}, "user": {}, "context": {}}
    for path in files:
        raw = _read(path)
        merged["current-context"] = merged["current-context"] or raw.get("current-context") or ""
        for kind in ("cluster", "user", "context"):
            for item in raw.get(f"{kind}s") or ():
                if isinstance(item, dict) and isinstance(item.get(kind), dict):
                    merged[kind].setdefault(str(item.get("name")), _absolute(item[kind], path.parent))
    return merged


def _read(path: Path) -> dict[str, Any]:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise CliError(f'the kubeconfig "{path}" is larger than 4 MiB')
        raw = yaml.safe_load(path.read_text())
    except (OSError, UnicodeDecodeError) as error:
        raise CliError(f'the kubeconfig "{path}" cannot be read: {error}') from error
    except yaml.YAMLError as error:
        # What the parser says may quote a token.
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 1})" if mark is not None else ""
        raise CliError(f'the kubeconfig "{path}" is no YAML{where}') from error
    if raw is not None and not isinstance(raw, dict):
        raise CliError(f'the kubeconfig "{path}" is no mapping')
    return raw or {}


def _absolute(fields: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    return {
        key: str((folder / value).absolute()) if key in _PATHS and isinstance(value, str) and value else value
        for key, value in fields.items()
    }


def _context(merged: Mapping[str, Any], settings: Settings) -> Mapping[str, Any]:
    name = settings.context or merged["current-context"]
    if not name:
        return {}
    return _of_kind(merged, "context", name)


def _of_kind(merged: Mapping[str, Any], kind: str, name: str) -> dict[str, Any]:
    if not name:
        return {}
    if name not in merged[kind]:
        known = ", ".join(sorted(merged[kind])[:10]) or "none"
        raise CliError(f'the kubeconfig has no {kind} "{name}"; there are: {known}')
    return dict(merged[kind][name])
