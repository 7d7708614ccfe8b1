"""Which hosts a remote base may lie on: not this pod, and not what tells a cloud's machines their secrets.

A base's address is written by whoever writes to the repository, and the controller goes there from
inside of the cluster. Private networks stay open, because git servers live there; a NetworkPolicy is
the tool for who wants less.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass

from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver

from shared.kustomize.errors import RemoteRefused

# Metadata services outside of the link-local range: AWS (IPv6), Alibaba Cloud, Azure.
_METADATA = frozenset(
    ipaddress.ip_address(text) for text in ("fd00:ec2::254", "100.100.100.200", "168.63.129.16")
)


@dataclass(frozen=True, slots=True)
class Guard:
    """`loopback`: allow this machine's own addresses, for development and tests."""

    loopback: bool = False

    def require_address(self, text: str) -> None:
        """Raises RemoteRefused for an IP address that is out of bounds; anything else passes."""
        try:
            address = ipaddress.ip_address(text.strip("[]").partition("%")[0])
        except ValueError:
            return
        address = getattr(address, "ipv4_mapped", None) or address
        if address.is_loopback and self.loopback:
            return
        if (
            address.is_loopback
            or address.is_link_local
            or address.is_multicast
            or address.is_unspecified
            or address in _METADATA
        ):
            raise RemoteRefused(f"the address {address} is not one that remote bases may be fetched from")

    async def require_host(self, host: str) -> None:
        """Every address that the name stands for now. A name that is not found is the caller's to meet."""
        self.require_address(host)
        try:
            found = await asyncio.get_running_loop().getaddrinfo(host, None, type=socket.SOCK_STREAM)
        except OSError:
            return
        for *_, place in found:
            self.require_address(str(place[0]))


class GuardedResolver(AbstractResolver):
    """Looks names up for aiohttp and judges what it connects to, so that no second lookup can differ."""

    def __init__(self, guard: Guard) -> None:
        self._guard = guard
        self._resolver = ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Raises RemoteRefused, and OSError for a name that is not found."""
        found = await self._resolver.resolve(host, port, family)
        for result in found:
            self._guard.require_address(result["host"])
        return found

    async def close(self) -> None:
        await self._resolver.close()
