"""Addresses of pods: each pod on the node has one of its own until it is gone."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network

from localcluster.store.revision import Key

POD_NETWORK = IPv4Network("10.244.0.0/16")
_FIRST = 2


class Addresses:
    """Addresses in use, by pod. The least recently tried comes next, so that they are not reused at once."""

    def __init__(self) -> None:
        self._of: dict[Key, str] = {}
        self._taken: set[str] = set()
        self._next = _FIRST

    def hold(self, pod: Key, address: str) -> None:
        """Note what a pod has been given before."""
        self._of[pod] = address
        self._taken.add(address)

    def give(self, pod: Key) -> str:
        """The pod's address. When all are taken (65 thousand pods) they are shared."""
        known = self._of.get(pod)
        if known is not None:
            return known
        for _ in range(POD_NETWORK.num_addresses):
            address = str(IPv4Address(int(POD_NETWORK.network_address) + self._next))
            self._next = self._next + 1 if self._next < POD_NETWORK.num_addresses - 2 else _FIRST
            if address not in self._taken:
                break
        self.hold(pod, address)
        return address

    def release(self, pod: Key) -> None:
        self._taken.discard(self._of.pop(pod, ""))
