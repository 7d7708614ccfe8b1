from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from controllers.image_automation.scanner import Found, Scanner, Target
from controllers.image_automation.tag_store import TagStore
from controllers.image_automation.tags import TooManyTags
from shared.model.meta import ObjectKey
from shared.oci.authorization import Authorizations
from shared.oci.docker_config import Login
from shared.oci.errors import InvalidContent, RegistryUnreachable
from shared.oci.gate import Gates
from shared.oci.opening import Opening
from tests.fakes.registry import FakeRegistry, fake_registry

ONE, TWO = ObjectKey("apps", "one"), ObjectKey("apps", "two")
START = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Rig:
    """A scanner with a clock that stands still."""

    server: FakeRegistry
    store: TagStore
    now: datetime = START

    def __post_init__(self) -> None:
        self.scanner = Scanner(self.store, Authorizations(), Gates(), now=self._seconds)

    def _seconds(self) -> float:
        return self.now.timestamp()

    def target(self, *exclusions: str, login: Login | None = None) -> Target:
        opening = Opening(login or Login(), plain=True)
        return Target(self.server.repository(), opening, frozenset(exclusions))

    async def scan(
        self, key: ObjectKey = ONE, target: Target | None = None, *, age: timedelta = timedelta(0)
    ) -> Found:
        return await self.scanner.scan(key, target or self.target(), not_before=self.now - age)

    def later(self, seconds: int) -> None:
        self.now += timedelta(seconds=seconds)

    def tags(self, key: ObjectKey = ONE) -> list[str] | None:
        return self.store.load(key, str(self.server.repository()))

    @property
    def listed(self) -> int:
        return self.server.seen("GET", "/tags/list")


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    async with fake_registry() as server:
        server.add_tags("1.0", "1.1", "2.0.sig")
        yield Rig(server, TagStore(tmp_path))


async def test_a_scan_stores_what_it_finds(rig: Rig) -> None:
    rig.server.page = 2
    found = await rig.scan(target=rig.target(r"\.sig$"))
    assert (found.listing.count, found.listing.latest, found.at) == (2, ("1.1", "1.0"), START)
    assert rig.tags() == ["1.1", "1.0"]


async def test_who_asks_for_the_same_takes_what_was_found(rig: Rig) -> None:
    await rig.scan()
    rig.later(50)
    found = await rig.scan(TWO, age=timedelta(seconds=59))
    assert (found.at, rig.listed, rig.tags(TWO)) == (START, 1, rig.tags(ONE))
    rig.later(10)
    assert (await rig.scan(TWO, age=timedelta(seconds=59))).at == rig.now
    assert rig.listed == 2


async def test_who_asks_at_the_same_time_waits(rig: Rig) -> None:
    keys = [ObjectKey("apps", f"app-{number}") for number in range(20)]
    await asyncio.gather(*(rig.scan(key) for key in keys))
    assert rig.listed == 1
    assert all(rig.tags(key) for key in keys)


async def test_who_asks_for_something_else_does_not(rig: Rig) -> None:
    hour = timedelta(hours=1)
    await rig.scan(age=hour)
    await rig.scan(TWO, rig.target("x"), age=hour)
    await rig.scan(ObjectKey("other", "one"), rig.target(login=Login("ada", "x")), age=hour)
    assert rig.listed == 3


async def test_what_was_found_is_no_use_when_its_file_is_gone(rig: Rig) -> None:
    await rig.scan()
    rig.store.remove(ONE)
    await rig.scan(TWO, age=timedelta(hours=1))
    assert (rig.listed, rig.tags(TWO)) == (2, ["2.0.sig", "1.1", "1.0"])


async def test_what_was_found_is_no_use_when_its_file_holds_something_else(rig: Rig) -> None:
    """Its holder may have got other exclusions meanwhile, and the tags of the same image."""
    hour = timedelta(hours=1)
    rig.server.etags = True
    await rig.scan()
    await rig.scan(target=rig.target(r"\.sig$"))
    await rig.scan(TWO, age=hour)
    assert (rig.tags(ONE), rig.tags(TWO)) == (["1.1", "1.0"], ["2.0.sig", "1.1", "1.0"])
    rig.store.remove(TWO)
    rig.later(1)
    await rig.scan()
    assert rig.tags(ONE) == ["2.0.sig", "1.1", "1.0"]


async def test_a_failed_scan_is_nobody_elses(rig: Rig) -> None:
    rig.server.endless = True
    with pytest.raises(InvalidContent, match="does not come to an end"):
        await rig.scan()
    rig.server.endless = False
    await rig.scan(TWO, age=timedelta(hours=1))
    assert (rig.tags(ONE), rig.tags(TWO)) == (None, ["2.0.sig", "1.1", "1.0"])


async def test_pages_that_did_not_change_are_not_sent(rig: Rig) -> None:
    rig.server.etags, rig.server.page = True, 2
    first = await rig.scan()
    sent = rig.server.tags_sent
    rig.later(60)
    again = await rig.scan()
    assert (rig.server.tags_sent, rig.listed) == (sent, 4)
    assert (again.listing, again.at) == (first.listing, rig.now)
    rig.server.add_tags("1.2")
    rig.later(60)
    assert (await rig.scan()).listing.count == 4
    assert rig.tags() == ["2.0.sig", "1.2", "1.1", "1.0"]


async def test_unchanged_pages_do_not_help_when_the_file_is_gone(rig: Rig) -> None:
    rig.server.etags = True
    await rig.scan()
    rig.store.remove(ONE)
    await rig.scan()
    assert rig.tags() == ["2.0.sig", "1.1", "1.0"]


async def test_a_list_that_repeats_itself_under_new_addresses(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("controllers.image_automation.tags._MOST_SEEN", 30)
    rig.server.repeats = True
    with pytest.raises(TooManyTags):
        await rig.scan()
    assert rig.listed == 11


async def test_a_cancelled_scan_leaves_the_others_theirs(rig: Rig) -> None:
    rig.server.silence = 0.2
    first = asyncio.create_task(rig.scan())
    second = asyncio.create_task(rig.scan(TWO))
    await asyncio.sleep(0.05)
    first.cancel()
    await second
    assert rig.tags(TWO) == ["2.0.sig", "1.1", "1.0"]
    assert rig.scanner._locks == {}


async def test_nobody_there(rig: Rig) -> None:
    rig.server.host = "127.0.0.1:1"
    with pytest.raises(RegistryUnreachable):
        await rig.scan()
