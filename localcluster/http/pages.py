"""What is not an object: discovery, version, health, metrics, OpenAPI."""

from __future__ import annotations

import platform
from collections.abc import Callable
from typing import Any

import orjson

from localcluster.cluster import Cluster
from localcluster.discovery import groups, openapi
from localcluster.http.accept import accepted, ranges
from localcluster.http.answer import Answer
from localcluster.http.exchange import Exchange
from localcluster.http.metrics import RequestMetrics
from localcluster.status import method_not_allowed, no_such_resource

VERSION = "v1.36.2"
_AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_HEALTH = ("/healthz", "/livez", "/readyz")
_NOT_FOUND = "404 page not found\n"


def version_document() -> dict[str, Any]:
    return {
        "major": "1",
        "minor": "36",
        "emulationMajor": "1",
        "emulationMinor": "36",
        "minCompatibilityMajor": "1",
        "minCompatibilityMinor": "35",
        "gitVersion": f"{VERSION}+localcluster",
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": f"python{platform.python_version()}",
        "platform": f"{platform.system().lower()}/{platform.machine()}",
    }


class Pages:
    def __init__(self, cluster: Cluster, metrics: RequestMetrics) -> None:
        self._cluster = cluster
        self._metrics = metrics
        self._documents: dict[str, tuple[int, bytes]] = {}

    async def answer(self, exchange: Exchange) -> Answer:
        path = exchange.target.path.rstrip("/") or "/"
        if exchange.request.method != "GET":
            raise method_not_allowed()
        if path in _HEALTH or path.startswith(("/livez/", "/readyz/", "/healthz/")):
            verbose = "verbose" in exchange.request.query
            return Answer(f"[+]ping ok\n{path[1:]} check passed\n" if verbose else "ok")
        if path == "/metrics":
            return Answer(self._metrics.render(self._cluster.store))
        if path == "/version":
            return Answer(version_document())
        if path in ("/api", "/apis") or path.startswith(("/api/", "/apis/")):
            return self._discovery(exchange, path)
        if path == "/openapi/v2" or path.startswith("/openapi/v3"):
            return self._openapi(exchange, path)
        if path == "/":
            return Answer({"paths": self._paths()})
        return Answer(_NOT_FOUND, 404)

    def _discovery(self, exchange: Exchange, path: str) -> Answer:
        registry = self._cluster.registry
        parts = path.strip("/").split("/")
        document: dict[str, Any] | None
        match parts:
            case ["api"] | ["apis"] if _wants_aggregated(exchange.accept):
                document = groups.aggregated(registry, core=parts == ["api"])
                return Answer(document, content_type=_AGGREGATED, headers={"Vary": "Accept"})
            case ["api"]:
                document = groups.core_versions(exchange.request.host)
            case ["apis"]:
                document = groups.group_list(registry)
            case ["apis", group]:
                document = groups.one_group(registry, group) if group else None
            case ["api", version]:
                document = groups.resource_list(registry, "", version)
            case ["apis", group, version]:
                document = groups.resource_list(registry, group, version)
            case _:
                document = None
        if document is None:
            return self._unknown(parts)
        return Answer(document, headers={"Vary": "Accept"} if len(parts) == 1 else {})

    def _openapi(self, exchange: Exchange, path: str) -> Answer:
        registry = self._cluster.registry
        document: bytes | None
        if path == "/openapi/v3":
            # The genuine index is JSON, too, but does not say so.
            content_type = "text/plain; charset=utf-8"
            return Answer(orjson.dumps(openapi.index(registry)), content_type=content_type)
        if path == "/openapi/v2":
            accepted(exchange.accept)
            return Answer(self._kept("v2", lambda: openapi.document_v2(registry)) or b"{}")
        parts = path.removeprefix("/openapi/v3/").split("/")
        match parts:
            case ["api", version]:
                document = self._kept(path, lambda: openapi.document(registry, "", version))
            case ["apis", group, version]:
                document = self._kept(path, lambda: openapi.document(registry, group, version))
            case _:
                document = None
        return Answer(_NOT_FOUND, 404) if document is None else Answer(document)

    def _kept(self, name: str, make: Callable[[], dict[str, Any] | None]) -> bytes | None:
        """The document's JSON, made once for each state of the registry."""
        generation = self._cluster.registry.generation
        kept = self._documents.get(name)
        if kept is None or kept[0] != generation:
            made = make()
            if made is None:
                return None
            kept = self._documents[name] = (generation, orjson.dumps(made))
        return kept[1]

    def _unknown(self, parts: list[str]) -> Answer:
        group = parts[1] if parts[0] == "apis" and len(parts) > 1 else ""
        if len(parts) > 1 and self._cluster.registry.is_builtin_group(group):
            raise no_such_resource()
        return Answer(_NOT_FOUND, 404)

    def _paths(self) -> list[str]:
        registry = self._cluster.registry
        paths = ["/api", "/api/v1", "/apis", "/healthz", "/livez", "/metrics", "/openapi/v2", "/openapi/v3"]
        for group in filter(None, registry.groups()):
            paths.append(f"/apis/{group}")
            paths.extend(f"/apis/{group}/{version}" for version in registry.versions(group))
        return sorted([*paths, "/readyz", "/version"])


def _wants_aggregated(accept: str) -> bool:
    """Whether aggregated v2 is the first form listed that this server has."""
    for each in ranges(accept) if accept else ():
        if each.type not in ("application/json", "*/*", "application/*"):
            continue
        if each.params.get("as") == "APIGroupDiscoveryList":
            if each.params.get("g") == "apidiscovery.k8s.io" and each.params.get("v") == "v2":
                return True
            continue
        return False
    return False
