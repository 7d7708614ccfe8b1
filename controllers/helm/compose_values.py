"""spec.valuesFrom and spec.values -> the values of the release (specs/helm.md 7.4)."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Mapping
from typing import Any

from controllers.helm.failures import ValuesFailed
from shared.charts.values import PartRefused, ValuesPart, compose
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.helm import HelmRelease, ValuesFrom
from shared.model.kinds import CONFIG_MAP, SECRET
from shared.model.meta import Object


async def values_of(hr: HelmRelease, client: KubeClient) -> dict[str, Any]:
    """Read with the controller's own identity. Raises ValuesFailed; never quotes a value."""
    parts: list[ValuesPart] = []
    found: dict[tuple[str, str], Object | None] = {}
    for ref in hr.values_from:
        key = (ref.kind, ref.name)
        if key not in found:
            found[key] = await _read(hr, ref, client)
        text = _data(hr, ref, found[key])
        if text is not None:
            parts.append(ValuesPart(text, ref.target_path, ref.literal))
    if not parts:
        return dict(hr.values)
    try:
        return await asyncio.to_thread(compose, parts, hr.values)
    except PartRefused as error:
        used = [ref for ref in hr.values_from if _data(hr, ref, found[ref.kind, ref.name]) is not None]
        position = next(number for number, part in enumerate(parts) if part is error.part)
        raise _failed(hr, used[position], str(error)) from error


async def _read(hr: HelmRelease, ref: ValuesFrom, client: KubeClient) -> Object | None:
    """None when it may be missing and is."""
    resource = {SECRET.kind: SECRET, CONFIG_MAP.kind: CONFIG_MAP}.get(ref.kind)
    if resource is None:
        raise _failed(hr, ref, f"unsupported ValuesReference kind '{ref.kind}'")
    try:
        obj = await client.find(resource, hr.namespace, ref.name)
    except KubeError as error:
        raise _failed(hr, ref, str(error)) from error
    if obj is None and not ref.optional:
        raise _failed(hr, ref, f"{ref.kind.lower()}s '{ref.name}' not found")
    return obj


def _data(hr: HelmRelease, ref: ValuesFrom, obj: Object | None) -> str | None:
    """None when it may be missing and is."""
    if obj is None:
        return None
    data: Mapping[str, str] = obj.get("data") or {}
    if ref.key not in data:
        if ref.optional:
            return None
        raise _failed(hr, ref, f"missing key '{ref.key}' in {ref.kind} '{hr.namespace}/{ref.name}'")
    if ref.kind == CONFIG_MAP.kind:
        return data[ref.key]
    try:
        return base64.b64decode(data[ref.key] or "").decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise _failed(hr, ref, "the value is not UTF-8 text") from error


def _failed(hr: HelmRelease, ref: ValuesFrom, problem: str) -> ValuesFailed:
    optional = "optional " if ref.optional else ""
    return ValuesFailed(
        f"could not resolve {optional}{ref.kind} chart values reference '{hr.namespace}/{ref.name}' "
        f"with key '{ref.key}': {problem}"
    )
