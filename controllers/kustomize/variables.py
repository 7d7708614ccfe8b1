"""postBuild variables: from the spec, and from ConfigMaps and Secrets of its namespace (kustomize.md 7.1)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import orjson

from controllers.kustomize.failures import BuildFailed
from controllers.kustomize.stages import revision_metadata
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError, NotFound
from shared.model.artifact import Artifact
from shared.model.kinds import CONFIG_MAP, SECRET
from shared.model.kustomize import Kustomization, SubstituteFrom


@dataclass(frozen=True, slots=True)
class Variables:
    """`values` is never printed. `always`: substitute even when there are none."""

    values: Mapping[str, str] = field(repr=False)
    always: bool

    @property
    def used(self) -> bool:
        return bool(self.values) or self.always

    @property
    def digest(self) -> str:
        """Changes whenever a value does; says nothing about them."""
        text = orjson.dumps([dict(self.values), self.always], option=orjson.OPT_SORT_KEYS)
        return hashlib.sha256(text).hexdigest()


_NONE = Variables({}, always=False)


async def gather(ks: Kustomization, client: KubeClient, artifact: Artifact | None = None) -> Variables:
    """Later references win over earlier ones, and the spec's own values over all.

    Raises BuildFailed, of the revision that was to be built where there is one.
    """
    if ks.post_build is None:
        return _NONE
    values: dict[str, str] = {}
    for reference in ks.post_build.substitute_from:
        try:
            values.update(await _read(reference, ks, client))
        except BuildFailed as failure:
            failure.retry_in = ks.retry_interval
            failure.metadata = revision_metadata(artifact) if artifact is not None else {}
            raise
    values.update(ks.post_build.substitute)
    plain = {name: value.replace("\n", "") for name, value in values.items()}
    return Variables(plain, ks.post_build.always)


async def _read(reference: SubstituteFrom, ks: Kustomization, client: KubeClient) -> Mapping[str, str]:
    resource = SECRET if reference.kind == SECRET.kind else CONFIG_MAP
    where = f"'{reference.kind}/{ks.namespace}/{reference.name}'"
    try:
        found = await client.get(resource, ks.namespace, reference.name)
    except NotFound as error:
        if reference.optional:
            return {}
        raise BuildFailed(
            f"substitute from {where} error: not found, create it or mark the reference optional"
        ) from error
    except KubeError as error:
        raise BuildFailed(f"substitute from {where} error: {error}") from error
    data = found.get("data") or {}
    if resource is CONFIG_MAP:
        return {key: str(value) for key, value in data.items()}
    return {key: _decoded(value, key, where) for key, value in data.items()}


def _decoded(value: str, key: str, where: str) -> str:
    try:
        return base64.b64decode(value).decode()
    except (binascii.Error, UnicodeDecodeError) as error:
        raise BuildFailed(f"substitute from {where} error: key '{key}' is not text") from error
