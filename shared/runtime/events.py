"""Events: to the API server for `kubectl describe`, and to the notification service (specs/runtime.md 5).

A reconcile only queues them; one task sends them in order. Nothing here ever fails a reconcile: what
cannot be delivered is logged and dropped, and a full queue drops the newest.
"""

from __future__ import annotations

import asyncio
import socket
from collections import OrderedDict
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

import aiohttp
import structlog

from shared.kube.client import KubeClient
from shared.kube.errors import KubeError, NotFound
from shared.logic.conditions import cut
from shared.logic.redact import redact
from shared.model.event import MAX_MESSAGE, Event, EventType
from shared.model.kinds import EVENT
from shared.model.meta import Object, render_time
from shared.runtime.log_setup import trace

log = structlog.get_logger()

_QUEUE_BOUND = 2_000
_SEEN_BOUND = 1_000
_KUBERNETES_MESSAGE = 1_024
_POST_TIMEOUT = aiohttp.ClientTimeout(total=5)
_POST_ATTEMPTS = 5
_LONGEST_WAIT = 30.0
_MANDATORY = ("kind", "name", "namespace")


@dataclass(frozen=True, slots=True)
class _Told:
    event: Event
    at: datetime


@dataclass(frozen=True, slots=True)
class _Seen:
    namespace: str
    name: str
    count: int


class Recorder:
    """`events_addr` empty means that nothing is posted. `run` sends until it is cancelled.

    `first_wait` is the pause in seconds before a post is tried again; it doubles each time.
    """

    def __init__(
        self, client: KubeClient, *, controller: str, events_addr: str = "", first_wait: float = 1.0
    ) -> None:
        self._first_wait = first_wait
        self._client = client
        self._controller = controller
        self._instance = socket.gethostname()
        self._address = events_addr
        self._queue: asyncio.Queue[_Told] = asyncio.Queue(_QUEUE_BOUND)
        self._posts: asyncio.Queue[_Told] = asyncio.Queue(_QUEUE_BOUND)
        self._seen: OrderedDict[tuple[str, ...], _Seen] = OrderedDict()

    def tell(self, event: Event) -> None:
        """Queue one event; the message is freed of credentials."""
        event = replace(event, message=redact(event.message))
        trace("event", reason=event.reason, message=event.message, type=event.type)
        told = _Told(event, datetime.now(UTC))
        queues = [self._queue]
        if self._address and event.type is not EventType.TRACE:
            missing = [field for field in _MANDATORY if not event.involved.get(field)]
            if missing:
                _give_up(event, f"the involved object has no {', '.join(missing)}")
            else:
                queues.append(self._posts)
        for queue in queues:
            try:
                queue.put_nowait(told)
            except asyncio.QueueFull:
                _give_up(event, "too many events are waiting")

    async def run(self) -> None:
        async with asyncio.TaskGroup() as tasks, aiohttp.ClientSession(timeout=_POST_TIMEOUT) as session:
            tasks.create_task(self._record_all(), name="record events")
            await self._post_all(session)

    async def drain(self, seconds: float) -> None:
        """Give what is queued a last chance."""
        try:
            async with asyncio.timeout(seconds):
                await self._queue.join()
                await self._posts.join()
        except TimeoutError:
            log.info("events were still waiting at the end", count=self._queue.qsize() + self._posts.qsize())

    async def _record_all(self) -> None:
        while True:
            told = await self._queue.get()
            try:
                await self._record(told)
            except KubeError as error:
                _give_up(told.event, str(error))
            finally:
                self._queue.task_done()

    async def _record(self, told: _Told) -> None:
        event, message = told.event, cut(told.event.message, _KUBERNETES_MESSAGE)
        key = (str(event.involved.get("uid")), event.type, event.reason, message)
        now = render_time(told.at)
        seen = self._seen.get(key)
        if seen is not None:
            again = {"count": seen.count + 1, "lastTimestamp": now}
            try:
                await self._client.patch(EVENT, seen.namespace, seen.name, again)
            except NotFound:
                self._seen.pop(key, None)
            else:
                self._seen[key] = replace(seen, count=seen.count + 1)
                self._seen.move_to_end(key)
                return
        created = await self._client.create(EVENT, self._render(event, message, now))
        meta = created["metadata"]
        self._seen[key] = _Seen(meta["namespace"], meta["name"], 1)
        while len(self._seen) > _SEEN_BOUND:
            self._seen.popitem(last=False)

    def _render(self, event: Event, message: str, now: str) -> Object:
        involved = dict(event.involved)
        namespace = involved.get("namespace") or "default"
        metadata: dict[str, Any] = {"generateName": f"{involved['name'][:200]}.", "namespace": namespace}
        if event.metadata:
            metadata["annotations"] = dict(event.metadata)
        return {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": metadata,
            "involvedObject": involved,
            "type": event.type.kubernetes_type,
            "reason": event.reason,
            "message": message,
            "source": {"component": self._controller},
            "reportingComponent": self._controller,
            "reportingInstance": self._instance,
            "firstTimestamp": now,
            "lastTimestamp": now,
            "count": 1,
        }

    async def _post_all(self, session: aiohttp.ClientSession) -> None:
        while True:
            told = await self._posts.get()
            try:
                await self._post(session, told)
            finally:
                self._posts.task_done()

    async def _post(self, session: aiohttp.ClientSession, told: _Told) -> None:
        event, body = told.event, self._body(told)
        problem = ""
        for attempt in range(_POST_ATTEMPTS):
            try:
                async with session.post(self._address, json=body, allow_redirects=False) as answer:
                    # 429 means that the service has heard this already.
                    if answer.status < 300 or answer.status == 429:
                        return
                    problem = f"HTTP {answer.status}"
                    if answer.status < 500:
                        break
            except (aiohttp.ClientError, TimeoutError, OSError) as error:
                problem = str(error) or type(error).__name__
            if attempt < _POST_ATTEMPTS - 1:
                await asyncio.sleep(min(self._first_wait * 2.0**attempt, _LONGEST_WAIT))
        _give_up(event, problem)

    def _body(self, told: _Told) -> Object:
        event = told.event
        body: Object = {
            "involvedObject": dict(event.involved),
            "severity": event.type.severity,
            "timestamp": render_time(told.at),
            "message": cut(event.message, MAX_MESSAGE),
            "reason": event.reason,
            "reportingController": self._controller,
            "reportingInstance": self._instance,
        }
        if event.metadata:
            body["metadata"] = dict(event.metadata)
        return body


def _give_up(event: Event, problem: str) -> None:
    """Say so, with the fields by which `flux logs` finds the object."""
    involved = event.involved
    who = {"name": involved.get("name"), "namespace": involved.get("namespace")}
    kind = {"reconciler kind": involved.get("kind")}
    log.error("unable to record event", error=problem, reason=event.reason, **kind, **who)
