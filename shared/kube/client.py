"""A small generic client: unstructured objects, typed errors, server-side apply, impersonation.

`Resource` says where a kind lives; objects are plain dicts. Every call has a timeout; what is safe to
repeat is repeated after a broken connection, and any call after a 429 that says when.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

import aiohttp
import orjson
from multidict import CIMultiDict

from shared.kube import bounded_json
from shared.kube.access import Connection
from shared.kube.errors import (
    ApiError,
    ApiUnreachable,
    NotFound,
    TooManyRequests,
    Unsendable,
    error_from,
)
from shared.kube.observe import Observer, nobody
from shared.model.kinds import Resource
from shared.model.meta import Object

PatchType = Literal["merge", "json", "strategic", "apply"]
_PATCH_MEDIA_TYPE: Mapping[PatchType, str] = {
    "merge": "application/merge-patch+json",
    "json": "application/json-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "apply": "application/apply-patch+yaml",
}
_METADATA_OF_ONE = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
_METADATA_OF_MANY = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json"
_JSON = "application/json"
_PAGE = 500
_ATTEMPTS = 4
_MAX_ANSWER = 256 * 1024 * 1024
_MAX_IN_FLIGHT = 64
# Seconds. Servers send a bookmark about once a minute; after a longer silence the connection is dead.
_LONGEST_SILENCE = 150


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom to impersonate: `Impersonate-User` and groups."""

    user: str
    groups: tuple[str, ...] = ()

    @classmethod
    def service_account(cls, namespace: str, name: str) -> Identity:
        return cls(f"system:serviceaccount:{namespace}:{name}")


@dataclass(frozen=True, slots=True)
class ObjectList:
    """A whole list (all pages) and the resourceVersion it is consistent with."""

    items: list[Object]
    resource_version: str


@dataclass(frozen=True, slots=True)
class _Call:
    method: str
    path: str
    params: Mapping[str, str] | None
    data: bytes | None
    headers: Mapping[str, str]
    seconds: float


@dataclass(slots=True)
class _Limits:
    in_flight: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MAX_IN_FLIGHT))


class KubeClient:
    """Calls to one API server under one identity."""

    def __init__(
        self,
        connection: Connection,
        *,
        user_agent: str = "headwater",
        identity: Identity | None = None,
        observer: Observer = nobody,
        _limits: _Limits | None = None,
    ) -> None:
        self._connection = connection
        self._user_agent = user_agent
        self._identity = identity
        self._observer = observer
        self._limits = _limits or _Limits()

    def impersonating(self, identity: Identity) -> KubeClient:
        """The same server and connection pool, as somebody else."""
        return KubeClient(
            self._connection,
            user_agent=self._user_agent,
            identity=identity,
            observer=self._observer,
            _limits=self._limits,
        )

    async def close(self) -> None:
        await self._connection.close()

    async def get(
        self, resource: Resource, namespace: str, name: str, *, metadata_only: bool = False
    ) -> Object:
        """Raises NotFound and the other ApiErrors."""
        accept = _METADATA_OF_ONE if metadata_only else _JSON
        return await self.request("GET", resource.path(namespace, name), accept=accept)

    async def find(self, resource: Resource, namespace: str, name: str) -> Object | None:
        """Like get, but absence is None."""
        try:
            return await self.get(resource, namespace, name)
        except NotFound:
            return None

    async def list(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        label_selector: str = "",
        field_selector: str = "",
        metadata_only: bool = False,
    ) -> ObjectList:
        """All pages. Items carry apiVersion and kind, which the server leaves out of list items."""
        params = _selectors(label_selector, field_selector) | {"limit": str(_PAGE)}
        accept = _METADATA_OF_MANY if metadata_only else _JSON
        items: list[Object] = []
        while True:
            page = await self.request("GET", resource.path(namespace), params=params, accept=accept)
            for item in page.get("items") or []:
                if not metadata_only:
                    item.setdefault("apiVersion", resource.api_version)
                    item.setdefault("kind", resource.kind)
                items.append(item)
            meta = page.get("metadata") or {}
            if not meta.get("continue"):
                return ObjectList(items, meta.get("resourceVersion", ""))
            params["continue"] = meta["continue"]

    async def create(
        self, resource: Resource, obj: Mapping[str, Any], *, field_manager: str = "", dry_run: bool = False
    ) -> Object:
        namespace = obj["metadata"].get("namespace", "")
        params = {"fieldManager": field_manager} if field_manager else {}
        if dry_run:
            params["dryRun"] = "All"
        return await self.request("POST", resource.path(namespace), params=params, body=obj)

    async def update(self, resource: Resource, obj: Mapping[str, Any]) -> Object:
        """PUT; a resourceVersion in the object makes it an optimistic lock (Conflict)."""
        meta = obj["metadata"]
        return await self.request("PUT", resource.path(meta.get("namespace", ""), meta["name"]), body=obj)

    async def patch(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        patch: object,
        *,
        kind: PatchType = "merge",
        subresource: str = "",
        params: Mapping[str, str] | None = None,
    ) -> Object:
        return await self.request(
            "PATCH",
            resource.path(namespace, name, subresource),
            params=params,
            body=patch,
            content_type=_PATCH_MEDIA_TYPE[kind],
            # Applying the same once more ends in the same state.
            repeatable=kind == "apply",
        )

    async def apply(
        self,
        resource: Resource,
        obj: Mapping[str, Any],
        *,
        field_manager: str,
        force: bool = True,
        dry_run: bool = False,
    ) -> Object:
        """Server-side apply. Raises Conflict (only without force), Invalid and the other ApiErrors."""
        meta = obj["metadata"]
        params = {"fieldManager": field_manager, "force": "true" if force else "false"}
        if dry_run:
            params["dryRun"] = "All"
        return await self.patch(
            resource, meta.get("namespace", ""), meta["name"], obj, kind="apply", params=params
        )

    async def delete(
        self, resource: Resource, namespace: str, name: str, *, uid: str = "", propagation: str = "Background"
    ) -> None:
        """Ask for deletion; with a uid, only of that very object (Conflict otherwise). Raises NotFound."""
        options: Object = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": propagation}
        if uid:
            options["preconditions"] = {"uid": uid}
        await self.request("DELETE", resource.path(namespace, name), body=options, repeatable=bool(uid))

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: object = None,
        content_type: str = _JSON,
        accept: str = _JSON,
        repeatable: bool | None = None,
        timeout: float = 60.0,  # noqa: ASYNC109 - seconds for one attempt, handed to aiohttp
    ) -> Object:
        """One call; the answer is parsed JSON. Raises ApiError, ApiUnreachable or Unsendable.

        `repeatable` says that the call may be sent again after a broken connection; reads always may.
        """
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = content_type
        data = None if body is None else _render(body, f"{method} {path}")
        call = _Call(method, path, params, data, headers, min(timeout, self._connection.seconds))
        for attempt in range(_ATTEMPTS):
            last = attempt == _ATTEMPTS - 1
            try:
                async with self._limits.in_flight:
                    return await self._once(call)
            except TooManyRequests as error:
                if last or error.retry_after is None:
                    raise
                await asyncio.sleep(min(error.retry_after, 10.0))
            except ApiUnreachable:
                if last or not (method == "GET" if repeatable is None else repeatable):
                    raise
                await asyncio.sleep(0.1 * 4**attempt)
        raise AssertionError("the loop returns or raises")

    async def _once(self, call: _Call) -> Object:
        connection, method = self._connection, call.method
        if connection.session.closed:
            raise ApiUnreachable(f"{method} {call.path}: the client is closed")
        headers = await self._headers(call.headers)
        try:
            async with connection.session.request(
                method,
                connection.base_url + call.path,
                params=call.params or None,
                data=call.data,
                headers=headers,
                proxy=connection.proxy,
                server_hostname=connection.server_name,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=call.seconds, sock_connect=10),
            ) as response:
                raw = await response.read()
                status, retry_after = response.status, response.headers.get("Retry-After")
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            self._observer(method, 0)
            raise ApiUnreachable(f"{method} {call.path}: {_reason(error)}") from error
        self._observer(method, status)
        answer = _parse(raw)
        if status >= 400 or not isinstance(answer, dict):
            raise error_from(status, answer, retry_after=retry_after)
        return answer

    async def watch(
        self,
        resource: Resource,
        namespace: str = "",
        *,
        resource_version: str,
        label_selector: str = "",
        metadata_only: bool = False,
        seconds: int = 300,
        opened: Callable[[], None] | None = None,
    ) -> AsyncIterator[tuple[str, Object]]:
        """Yield (type, object) from that version on, bookmarks too, until the server ends the watch.

        `opened` is called when the server has accepted it; an idle watch yields nothing for minutes.
        An ERROR event is raised as the ApiError that it describes (410 Gone when the version is too old).
        """
        params = _selectors(label_selector, "") | {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "resourceVersion": resource_version,
            "timeoutSeconds": str(seconds),
        }
        headers = await self._headers({"Accept": _METADATA_OF_ONE if metadata_only else _JSON})
        connection = self._connection
        try:
            async with connection.session.get(
                connection.base_url + resource.path(namespace),
                params=params,
                headers=headers,
                proxy=connection.proxy,
                server_hostname=connection.server_name,
                timeout=aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_LONGEST_SILENCE),
            ) as response:
                self._observer("WATCH", response.status)
                if response.status != 200:
                    raise error_from(response.status, _parse(await response.read()))
                if opened is not None:
                    opened()
                async for line in _lines(response.content):
                    yield _event(line)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise ApiUnreachable(f"watch {resource.plural}: {_reason(error)}") from error

    async def _headers(self, given: Mapping[str, str]) -> CIMultiDict[str]:
        headers = CIMultiDict(given)
        headers["User-Agent"] = self._user_agent
        authorization = await self._connection.authorization()
        if authorization:
            headers["Authorization"] = authorization
        if self._identity:
            headers["Impersonate-User"] = self._identity.user
            for group in self._identity.groups:
                headers.add("Impersonate-Group", group)
        return headers


async def _lines(stream: aiohttp.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length: readline() of aiohttp refuses those longer than its buffer."""
    rest = bytearray()
    async for chunk in stream.iter_any():
        rest += chunk
        if b"\n" not in chunk:
            if len(rest) > _MAX_ANSWER:
                raise ApiUnreachable("a watch event is larger than 256 MiB")
            continue
        *complete, tail = bytes(rest).split(b"\n")
        rest = bytearray(tail)
        for line in complete:
            if line.strip():
                yield line


def _event(line: bytes) -> tuple[str, Object]:
    """The type and object of a watch event. Raises what an ERROR describes, ApiUnreachable for nonsense."""
    try:
        event = bounded_json.loads(line)
        kind, obj = event["type"], event["object"]
        version = obj["metadata"]["resourceVersion"] if kind != "ERROR" else ""
        code = int(obj.get("code") or 500)
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise ApiUnreachable("the watch sent something that is no event") from error
    if kind == "ERROR":
        raise error_from(code, obj)
    if not isinstance(version, str):
        raise ApiUnreachable("the watch sent an object without a version")
    return kind, obj


def _selectors(labels: str, fields: str) -> dict[str, str]:
    chosen = {"labelSelector": labels, "fieldSelector": fields}
    return {key: value for key, value in chosen.items() if value}


def _render(body: object, what: str) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError as error:
        raise Unsendable(f"{what}: {error}") from error


def _parse(raw: bytes) -> object:
    try:
        return bounded_json.loads(raw)
    except orjson.JSONDecodeError:
        return None


def _reason(error: BaseException) -> str:
    return str(error) or type(error).__name__


__all__ = ["ApiError", "Identity", "KubeClient", "ObjectList", "PatchType"]
