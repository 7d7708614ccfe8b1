"""watch: a stream of what happens to the objects that a selection names.

A watcher has a bounded buffer of lines which it shares with all others; one that does not read is cut
off, so that neither it nor a thousand like it can hold memory or delay a write.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable

import orjson

from localcluster.http.accept import Form
from localcluster.http.options import ListOptions
from localcluster.present.rendering import bookmark_frame, render_frame
from localcluster.present.tables import TableStream
from localcluster.status import expired
from localcluster.store.revision import Change, Revision
from localcluster.store.store import Compacted, Store
from localcluster.verbs.call import Call
from localcluster.verbs.reading import Selection, select

MAX_PENDING_LINES = 4096
MAX_PENDING_BYTES = 16 * 1024 * 1024
BOOKMARK_SECONDS = 60.0
LAST_BOOKMARK_SECONDS = 2.0
SHORTEST_DEFAULT_SECONDS = 1800.0
_CHUNK_LINES = 256
_DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


class Overflow(Exception):
    """The watcher's client does not read fast enough."""


class Watcher:
    """One client's stream: offered changes, gives lines."""

    def __init__(self, call: Call, selection: Selection, form: Form, include: str, after: int) -> None:
        self._after = after
        self._resource = call.resource
        self._selection = selection
        self._form = form
        self._table = TableStream(call.resource, include) if form is Form.TABLE else None
        self._pending: deque[bytes] = deque()
        self._pending_bytes = 0
        self._wake = asyncio.Event()
        self.overflowed = False
        self.ended = False
        self.seen = 0

    def offer(self, change: Change) -> None:
        if self.overflowed or change.version <= self._after:
            return
        self.seen = change.version
        line = self.line(change)
        if line is None:
            return
        if len(self._pending) >= MAX_PENDING_LINES or self._pending_bytes > MAX_PENDING_BYTES:
            self.overflowed = True
            self._pending.clear()
        else:
            self._pending.append(line)
            self._pending_bytes += len(line)
        self._wake.set()

    def line(self, change: Change) -> bytes | None:
        """What this watcher sees of a change: objects may also enter or leave its selection."""
        before = change.before if change.before and self._selection.matches(change.before) else None
        after = change.after if change.after and self._selection.matches(change.after) else None
        if after is not None:
            return self.frame(after, "MODIFIED" if before is not None else "ADDED")
        return self.frame(change.tombstone(), "DELETED") if before is not None else None

    def frame(self, revision: Revision, event: str) -> bytes:
        if self._table is not None:
            return self._table.frame(revision, event)
        return render_frame(revision, self._resource, self._form, event)

    def end(self) -> None:
        """There is nothing more to come."""
        self.ended = True
        self._wake.set()

    async def take(self, seconds: float) -> list[bytes]:
        """Lines that have come, waiting so many seconds at most for the first; raises Overflow."""
        if not self._pending and not self.overflowed and not self.ended:
            self._wake.clear()
            try:
                async with asyncio.timeout(seconds):
                    await self._wake.wait()
            except TimeoutError:
                return []
        if self.overflowed:
            raise Overflow
        lines = [self._pending.popleft() for _ in range(min(len(self._pending), _CHUNK_LINES))]
        self._pending_bytes -= sum(map(len, lines))
        self._wake.clear()
        return lines


class _Definition:
    """Ends a watch of custom objects when their definition goes or comes to mean something else."""

    def __init__(self, name: str, watcher: Watcher) -> None:
        self._name = name
        self._watcher = watcher

    def offer(self, change: Change) -> None:
        if change.key[1] == self._name and (change.after is None or _respecified(change)):
            self._watcher.end()


def _respecified(change: Change) -> bool:
    if change.before is None or change.after is None:
        return False
    return bool(change.before.load()["spec"] != change.after.load()["spec"])


async def watch(
    store: Store, call: Call, options: ListOptions, form: Form, include: str = ""
) -> AsyncGenerator[bytes, None]:
    """Chunks of lines until the timeout; ends early, after an ERROR line, where history is gone."""
    selection = select(call, options)
    watcher = Watcher(call, selection, form, include, options.version or 0)
    collection = call.resource.collection
    try:
        first = _initial(store, watcher, selection, collection, options)
    except Compacted as error:
        yield orjson.dumps({"type": "ERROR", "object": expired(str(error)).body()}) + b"\n"
        return
    watcher.seen = max(store.version, options.version or 0)
    store.listen(collection, watcher)
    ending = _Definition(call.resource.custom.definition, watcher) if call.resource.custom else None
    if ending is not None:
        store.listen(_DEFINITIONS, ending)
    try:
        for chunk in _chunked(first):
            yield chunk
        del first
        if options.send_initial_events and options.bookmarks:
            yield bookmark_frame(call.resource, form, watcher.seen, ends_initial=True)
        async for chunk in _follow(store, watcher, call, options, form):
            yield chunk
    finally:
        store.ignore(collection, watcher)
        if ending is not None:
            store.ignore(_DEFINITIONS, ending)


def _initial(
    store: Store, watcher: Watcher, selection: Selection, collection: str, options: ListOptions
) -> Iterable[bytes]:
    """What exists, where that is asked for, else what has happened since the version given."""
    if options.send_initial_events or (not options.version and options.send_initial_events is None):
        present = store.snapshot(collection, selection.namespace)
        return (watcher.frame(revision, "ADDED") for revision in present if selection.matches(revision))
    if not options.version:
        return ()
    since = store.changes_since(options.version)
    lines = (watcher.line(change) for change in since if change.collection == collection)
    return [line for line in lines if line is not None]


def _chunked(lines: Iterable[bytes]) -> Iterable[bytes]:
    chunk: list[bytes] = []
    for line in lines:
        chunk.append(line)
        if len(chunk) == _CHUNK_LINES:
            yield b"".join(chunk)
            chunk = []
    if chunk:
        yield b"".join(chunk)


async def _follow(
    store: Store, watcher: Watcher, call: Call, options: ListOptions, form: Form
) -> AsyncIterator[bytes]:
    loop = asyncio.get_running_loop()
    # Watches that began together should not all end together.
    lasts = options.timeout_seconds or SHORTEST_DEFAULT_SECONDS * (1 + random.random())  # noqa: S311
    end = loop.time() + lasts
    bookmark_at = min(loop.time() + BOOKMARK_SECONDS, end - LAST_BOOKMARK_SECONDS)
    while (now := loop.time()) < end:
        until = min(end, bookmark_at) if options.bookmarks and bookmark_at > now else end
        lines = await watcher.take(until - now)
        if lines:
            yield b"".join(lines)
        elif watcher.ended:
            return
        elif options.bookmarks and loop.time() >= bookmark_at < end:
            yield bookmark_frame(call.resource, form, max(watcher.seen, store.version))
            after = loop.time() + BOOKMARK_SECONDS
            last = end - LAST_BOOKMARK_SECONDS
            bookmark_at = min(after, last) if loop.time() < last else end
