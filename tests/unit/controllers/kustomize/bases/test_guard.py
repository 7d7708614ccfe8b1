"""Which addresses a remote base may lie at."""

from __future__ import annotations

import pytest

from controllers.kustomize.bases.guard import Guard, GuardedResolver
from shared.kustomize.errors import RemoteRefused

REFUSED = [
    "127.0.0.1",
    "127.8.9.1",
    "::1",
    "[::1]",
    "::ffff:127.0.0.1",
    "::ffff:169.254.169.254",
    "169.254.169.254",
    "fe80::1%eth0",
    "fd00:ec2::254",
    "100.100.100.200",
    "168.63.129.16",
    "0.0.0.0",
    "224.0.0.1",
]


@pytest.mark.parametrize("address", REFUSED)
def test_refused(address: str) -> None:
    with pytest.raises(RemoteRefused, match="not one that remote bases may be fetched from"):
        Guard().require_address(address)


@pytest.mark.parametrize("address", ["192.0.2.1", "10.0.0.1", "2001:db8::1", "git.example", ""])
def test_allowed(address: str) -> None:
    Guard().require_address(address)


def test_loopback_is_open_for_development_and_nothing_else_with_it() -> None:
    Guard(loopback=True).require_address("127.0.0.1")
    with pytest.raises(RemoteRefused):
        Guard(loopback=True).require_address("169.254.169.254")


async def test_a_name_is_judged_by_what_it_stands_for() -> None:
    with pytest.raises(RemoteRefused):
        await Guard().require_host("localhost")
    resolver = GuardedResolver(Guard())
    with pytest.raises(RemoteRefused):
        await resolver.resolve("localhost", 80)
    await resolver.close()
