"""A server that answers with damaged data: whatever it sends, the failure is one of ours."""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from shared.git.client import Git
from shared.git.errors import GitError, WorkerFailed
from shared.git.remote import Remote
from tests.fakes.git_server import HttpGitServer

TRIES = 10
SOON = timedelta(seconds=30)


def overwrite(raw: bytes, chance: random.Random) -> bytes:
    damaged = bytearray(raw)
    for _ in range(chance.randint(1, 5)):
        damaged[chance.randrange(len(damaged))] = chance.randrange(256)
    return bytes(damaged)


def cut_end(raw: bytes, chance: random.Random) -> bytes:
    return raw[: chance.randrange(len(raw))]


def cut_start(raw: bytes, chance: random.Random) -> bytes:
    return raw[chance.randrange(len(raw)) :]


def insert(raw: bytes, chance: random.Random) -> bytes:
    place = chance.randrange(len(raw))
    return raw[:place] + chance.randbytes(chance.randint(1, 20)) + raw[place:]


def replace(_raw: bytes, chance: random.Random) -> bytes:
    return chance.randbytes(chance.randint(0, 300))


async def all_steps(git: Git, remote: Remote, sha: str, folder: Path) -> None:
    await git.list_refs(remote, ["refs/"], within=SOON)
    found = await git.fetch(remote, sha, folder / "bare", within=SOON)
    job = {"repository": str(folder / "bare"), "commit": found.hash, "out": str(folder / "out")}
    rest = {"algorithm": "sha256", "modules": [], "sparse": [], "ignore": None, "includes": []}
    await git.run("controllers.source.packing:pack_commit", job | rest, within=SOON)


@pytest.mark.parametrize(
    "damage", [overwrite, cut_end, cut_start, insert, replace], ids=lambda damage: damage.__name__
)
@pytest.mark.parametrize("old", [False, True], ids=["protocol 2", "protocol 0"])
async def test_damaged_answers(
    git: Git,
    server: HttpGitServer,
    tmp_path: Path,
    damage: Callable[[bytes, random.Random], bytes],
    *,
    old: bool,
) -> None:
    commit = server.repo().commit({"a": "1", "b/c": "2"})
    remote = Remote(server.url_of())
    server.old = old
    chance = random.Random(7)
    answers = 0

    def mangle(raw: bytes) -> bytes:
        nonlocal answers
        answers += 1
        return damage(raw, chance) if raw and answers == victim else raw

    server.mangle = mangle
    for number in range(TRIES):
        answers, victim = 0, 1 + number % 5
        folder = tmp_path / str(number)
        folder.mkdir()
        try:
            await all_steps(git, remote, commit, folder)
        except WorkerFailed as bug:
            raise AssertionError(f"try {number}, answer {victim}") from bug
        except GitError:
            continue
