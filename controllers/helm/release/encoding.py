"""Release records as Secrets, exactly as Helm spells them (specs/helm.md 20.1).

A record is JSON, compressed with gzip, then base64; Kubernetes encodes it in base64 once more. What is
read may come from anybody who may write Secrets, so it is bounded before it is unfolded.
"""

from __future__ import annotations

import base64
import binascii
import gzip
import zlib
from collections.abc import Mapping
from typing import Any

import orjson

from controllers.helm.release.errors import CorruptRelease, ReleaseTooBig
from controllers.helm.release.record import Hook, HookPhase, HookRun, Info, Release, Status
from shared.model.meta import Object

SECRET_TYPE = "helm.sh/release.v1"  # noqa: S105 - a type, no password
OWNER = "helm"
SYSTEM_LABELS = ("name", "owner", "status", "version", "createdAt", "modifiedAt")

_PREFIX = "sh.helm.release.v1"
_KEY = "release"
# What the API server allows in one Secret.
_MAX_STORED_BYTES = 1024 * 1024
_MAX_UNFOLDED_BYTES = 64 * 1024 * 1024
_GZIP = b"\x1f\x8b\x08"
_INFO = ("first_deployed", "last_deployed", "deleted", "description", "notes", "status")


def secret_name(name: str, version: int) -> str:
    return f"{_PREFIX}.{name}.v{version}"


def encode(release: Release) -> str:
    """The text in the Secret (not yet in the base64 of the Secret's data). Raises ReleaseTooBig."""
    packed = gzip.compress(orjson.dumps(render(release)), compresslevel=9, mtime=0)
    text = base64.b64encode(packed).decode()
    if len(text) > _MAX_STORED_BYTES:
        raise ReleaseTooBig(
            f"release {release} does not fit into Secret {secret_name(release.name, release.version)}: "
            f"compressed it has {len(text)} bytes, of {_MAX_STORED_BYTES} that a Secret may hold; "
            "take files and templates that are not needed out of the chart"
        )
    return text


def decode(secret: Mapping[str, Any]) -> Release:
    """The release in a Secret. Raises CorruptRelease, which names it."""
    metadata = secret["metadata"]
    try:
        raw = orjson.loads(_unfolded((secret.get("data") or {})[_KEY]))
        release = parse(raw, {k: v for k, v in _labels(metadata).items() if k not in SYSTEM_LABELS})
    except (KeyError, ValueError, TypeError, AttributeError, EOFError, zlib.error) as error:
        raise CorruptRelease(
            f"Secret {metadata.get('namespace', '')}/{metadata['name']} holds no readable Helm release "
            f"({_reason(error)}): restore it, or delete it to forget this revision"
        ) from error
    return release


def _labels(metadata: Mapping[str, Any]) -> Mapping[str, str]:
    return metadata.get("labels") or {}


def _reason(error: Exception) -> str:
    return f"no {error}" if isinstance(error, KeyError) else (str(error)[:200] or type(error).__name__)


def _unfolded(data: str) -> bytes:
    """Both layers of base64 and the compression, which the oldest records have not."""
    try:
        packed = base64.b64decode(base64.b64decode(data, validate=True), validate=True)
    except binascii.Error as error:
        raise ValueError(f"not base64: {error}") from error
    if not packed.startswith(_GZIP):
        return packed
    unpacker = zlib.decompressobj(wbits=zlib.MAX_WBITS | 16)
    content = unpacker.decompress(packed, _MAX_UNFOLDED_BYTES + 1)
    if len(content) > _MAX_UNFOLDED_BYTES:
        raise ValueError(f"unfolds to more than {_MAX_UNFOLDED_BYTES} bytes")
    if not unpacker.eof:
        raise ValueError("is cut short")
    return content


def render(release: Release) -> Object:
    """The record as Helm's JSON: what is empty is left out."""
    return _filled(
        {
            "name": release.name,
            "info": _info(release.info),
            "chart": release.chart,
            "config": release.config,
            "manifest": release.manifest,
            "hooks": [_hook(hook) for hook in release.hooks],
            "version": release.version,
            "namespace": release.namespace,
            "apply_method": str(release.apply_method),
        }
    )


def parse(raw: Any, labels: Mapping[str, str]) -> Release:
    """Raises ValueError, TypeError, KeyError or AttributeError for what is no release."""
    info = _map(raw["info"], "info")
    name = _text(raw["name"], "name")
    if not name:
        raise ValueError("its name is empty")
    return Release(
        name=name,
        namespace=_text(raw.get("namespace", ""), "namespace"),
        version=int(raw["version"]),
        info=Info(
            status=_status(info.get("status")),
            rest={key: value for key, value in info.items() if key not in _INFO},
            **{key: _text(info.get(key, ""), key) for key in _INFO if key != "status"},
        ),
        chart=_map(raw.get("chart"), "chart"),
        config=_map(raw.get("config"), "config"),
        manifest=_text(raw.get("manifest", ""), "manifest"),
        hooks=tuple(_parse_hook(hook) for hook in raw.get("hooks") or ()),
        apply_method=_text(raw.get("apply_method", ""), "apply_method"),
        labels=dict(labels),
    )


def _info(info: Info) -> Object:
    return _filled(
        {
            "first_deployed": info.first_deployed,
            "last_deployed": info.last_deployed,
            "deleted": info.deleted,
            "description": info.description,
            "status": info.status,
            "notes": info.notes,
            **info.rest,
        }
    )


def _hook(hook: Hook) -> Object:
    run = hook.last_run
    times = _filled({"started_at": run.started_at, "completed_at": run.completed_at})
    return _filled(
        {
            "name": hook.name,
            "kind": hook.kind,
            "path": hook.path,
            "manifest": hook.manifest,
            "events": list(hook.events),
            "last_run": {**times, "phase": run.phase},
            "weight": hook.weight,
            "delete_policies": list(hook.delete_policies),
            "output_log_policies": list(hook.output_log_policies),
        }
    )


def _parse_hook(raw: Any) -> Hook:
    run = raw.get("last_run") or {}
    return Hook(
        name=_text(raw.get("name", ""), "hook name"),
        kind=_text(raw.get("kind", ""), "hook kind"),
        path=_text(raw.get("path", ""), "hook path"),
        manifest=_text(raw.get("manifest", ""), "hook manifest"),
        events=_texts(raw.get("events")),
        weight=int(raw.get("weight") or 0),
        delete_policies=_texts(raw.get("delete_policies")),
        output_log_policies=_texts(raw.get("output_log_policies")),
        last_run=HookRun(
            _phase(run.get("phase") or ""),
            _text(run.get("started_at", ""), "started_at"),
            _text(run.get("completed_at", ""), "completed_at"),
        ),
    )


def _status(value: Any) -> Status:
    try:
        return Status(value)
    except ValueError:
        return Status.UNKNOWN


def _phase(value: Any) -> HookPhase:
    try:
        return HookPhase(value)
    except ValueError:
        return HookPhase.UNKNOWN


def _filled(fields: Object) -> Object:
    return {key: value for key, value in fields.items() if value not in ("", 0, [], {}, None)}


def _text(value: Any, what: str) -> str:
    if not isinstance(value, str | None):
        raise TypeError(f"its {what} is no text")
    return value or ""


def _texts(values: Any) -> tuple[str, ...]:
    return tuple(_text(value, "list") for value in values or ())


def _map(value: Any, what: str) -> Object:
    if not isinstance(value, dict | None):
        raise TypeError(f"its {what} is no map")
    return value or {}
