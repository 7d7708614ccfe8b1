"""What a chart may learn of the cluster: its version, what it serves, and objects by `lookup`.

Asked anew for every render, with the release's own identity: two requests, where the server can tell all
that it serves at once. A chart that is released right after its definitions were must see them.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from shared.charts.capabilities import Capabilities
from shared.charts.engine import LookupAnswer
from shared.charts.engine_lookup import LookupFailed
from shared.kube.client import KubeClient
from shared.kube.errors import ApiError, KubeError
from shared.kube.parallel import each

_ALL_AT_ONCE = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
_AT_ONCE = 8

Served = dict[str, list[Mapping[str, Any]]]


async def capabilities_of(client: KubeClient) -> Capabilities:
    """Groups that do not answer are left out, as Helm does. Raises KubeError."""
    version = await client.request("GET", "/version")
    served: Served = {}
    for path in ("/api", "/apis"):
        answer = await client.request("GET", path, accept=_ALL_AT_ONCE)
        if answer.get("kind") == "APIGroupDiscoveryList":
            served |= _from_aggregated(answer)
        else:
            served |= await _one_by_one(client, answer)
    return Capabilities.discovered(str(version.get("gitVersion", "")), served)


def _from_aggregated(answer: Mapping[str, Any]) -> Served:
    served: Served = {}
    for group in answer.get("items") or ():
        name = (group.get("metadata") or {}).get("name", "")
        for version in group.get("versions") or ():
            resources = [item.get("responseKind") or {} for item in version.get("resources") or ()]
            key = f"{name}/{version['version']}" if name else version["version"]
            served[key] = [item for item in resources if item.get("kind")]
    return served


async def _one_by_one(client: KubeClient, answer: Mapping[str, Any]) -> Served:
    async def read(version: str) -> tuple[str, list[Mapping[str, Any]]] | None:
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        try:
            listed = await client.request("GET", path)
        except KubeError:
            return None
        return version, [item for item in listed.get("resources") or () if "/" not in item["name"]]

    found = await each(list(_versions(answer)), read, at_once=_AT_ONCE)
    return dict(item for item in found if item is not None)


def _versions(answer: Mapping[str, Any]) -> Iterable[str]:
    if answer.get("kind") == "APIVersions":
        yield from answer.get("versions") or ()
    for group in answer.get("groups") or ():
        for version in group.get("versions") or ():
            yield version["groupVersion"]


class Lookup:
    """A ClusterReader: `lookup` of templates, with the identity of the client."""

    def __init__(self, client: KubeClient) -> None:
        self._client = client

    async def __call__(self, path: str, /) -> LookupAnswer:
        try:
            return LookupAnswer(200, orjson.dumps(await self._client.request("GET", path)))
        except ApiError as error:
            return LookupAnswer(error.status, orjson.dumps(_status(error)))
        except KubeError as error:
            raise LookupFailed(str(error)) from error


def _status(error: ApiError) -> Mapping[str, Any]:
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": error.message,
        "reason": error.reason,
        "details": dict(error.details),
        "code": error.status,
    }
