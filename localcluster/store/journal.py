"""Keeping the store in an SQLite file: writes are gathered and committed together by one thread.

A request is answered after the commit that holds its write, so killing the process loses nothing that was
acknowledged. Versions are never given twice: after a restart they go on well above the last one.
"""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from localcluster.store.revision import Key

VERSIONS_SKIPPED = 10_000
"""Watchers may have seen versions that were never committed; these are not given again."""

SOON_SECONDS = 0.2

_SCHEMA = """
CREATE TABLE IF NOT EXISTS objects (
  collection TEXT NOT NULL, namespace TEXT NOT NULL, name TEXT NOT NULL,
  version INTEGER NOT NULL, body BLOB NOT NULL,
  PRIMARY KEY (collection, namespace, name)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS facts (name TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;
"""
_PUT = "INSERT OR REPLACE INTO objects (collection, namespace, name, version, body) VALUES (?, ?, ?, ?, ?)"
_DROP = "DELETE FROM objects WHERE collection = ? AND namespace = ? AND name = ?"
_FACT = "INSERT OR REPLACE INTO facts (name, value) VALUES (?, ?)"
Write = tuple[str, Key, int, bytes | None]


class JournalFailed(Exception):
    """The file could not be written; nothing after this is acknowledged."""


class SqliteJournal:
    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(0o600)
        self._database = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._database.execute("PRAGMA journal_mode = WAL")
        self._database.execute("PRAGMA synchronous = FULL")
        self._database.executescript(_SCHEMA)
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="journal")
        self._pending: list[Write] = []
        self._committed = 0
        self._flush: asyncio.Task[None] | None = None
        self._broken: Exception | None = None
        self._timer: asyncio.TimerHandle | None = None

    def objects(self) -> Iterator[tuple[str, Key, int, bytes]]:
        """Everything kept, for a store that begins."""
        rows = self._database.execute("SELECT collection, namespace, name, version, body FROM objects")
        for collection, namespace, name, version, body in rows:
            yield collection, (namespace, name), version, body

    def last_version(self) -> int:
        kept = self.fact("version")
        return int(kept) + VERSIONS_SKIPPED if kept else 0

    def fact(self, name: str) -> bytes | None:
        """A value kept beside the objects (keys, the last version)."""
        row = self._database.execute("SELECT value FROM facts WHERE name = ?", (name,)).fetchone()
        return None if row is None else bytes(row[0])

    def keep_fact(self, name: str, value: bytes) -> None:
        self._database.execute(_FACT, (name, value))

    def append(self, collection: str, key: Key, version: int, raw: bytes | None) -> None:
        """Note a write; it is committed with the next `durable`, or soon after."""
        self._pending.append((collection, key, version, raw))
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SOON_SECONDS, self._commit_soon)

    def _commit_soon(self) -> None:
        """For writes that nobody waits for: those of controllers."""
        self._timer = None
        if self._pending and self._flush is None and self._broken is None:
            self._flush = asyncio.create_task(self._commit_pending())

    async def durable(self, version: int) -> None:
        """Wait until this version is committed; whoever comes meanwhile shares the next commit."""
        while self._committed < version and (self._pending or self._flush is not None):
            if self._broken is not None:
                raise JournalFailed from self._broken
            if self._flush is None:
                self._flush = asyncio.create_task(self._commit_pending())
            await asyncio.shield(self._flush)

    async def _commit_pending(self) -> None:
        writes, self._pending = self._pending, []
        try:
            loop = asyncio.get_running_loop()
            await loop.run_in_executor(self._thread, self._commit, writes)
            self._committed = writes[-1][2]
        except sqlite3.Error as error:
            self._broken = error
        finally:
            self._flush = None

    def _commit(self, writes: list[Write]) -> None:
        # Of several writes to one object in a commit only the last counts.
        last = {(collection, key): (version, raw) for collection, key, version, raw in writes}
        self._database.execute("BEGIN IMMEDIATE")
        try:
            for (collection, (namespace, name)), (version, raw) in last.items():
                if raw is None:
                    self._database.execute(_DROP, (collection, namespace, name))
                else:
                    self._database.execute(_PUT, (collection, namespace, name, version, raw))
            self._database.execute(_FACT, ("version", str(writes[-1][2]).encode()))
            self._database.execute("COMMIT")
        except sqlite3.Error:
            self._database.execute("ROLLBACK")
            raise

    async def close(self) -> None:
        """Commit what is left and close the file."""
        if self._timer is not None:
            self._timer.cancel()
        if self._flush is not None:
            await self._flush
        if self._pending:
            await self._commit_pending()
        self._thread.shutdown(wait=True)
        self._database.close()
