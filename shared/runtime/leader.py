"""Leader election by a Lease, with client-go's rules: one holder, renewed in time or given up.

Follows specs/runtime.md 7.3. Times of other holders are judged by our own clock, from when we first
saw their last renewal, so that clock skew between nodes does no harm.
"""

from __future__ import annotations

import asyncio
import socket
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import structlog

from shared.kube.client import KubeClient
from shared.kube.errors import ApiError, Conflict, KubeError
from shared.model.kinds import LEASE
from shared.model.meta import Object

log = structlog.get_logger()


class LeadershipLost(Exception):
    """Another process may be acting now: stop at once."""


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    duration: timedelta
    renew_deadline: timedelta
    retry_period: timedelta


class Leadership:
    """`acquire` returns when this process leads; then `hold` must run until `release`.

    We lead until the renew deadline after the *sending* of the last renewal that succeeded. Others wait
    the lease duration, which is longer, from when they see it: there is no moment with two leaders.
    """

    def __init__(self, client: KubeClient, *, namespace: str, name: str, times: LeaseTimes) -> None:
        self._client, self._namespace, self._name, self._times = client, namespace, name, times
        self._identity = f"{socket.gethostname()}_{uuid.uuid4()}"
        self._lease: Object | None = None
        self._seen: tuple[str, str] = ("", "")
        self._seen_at = float("-inf")
        self._renewed_at = float("-inf")

    async def acquire(self) -> None:
        """Wait, for ever if need be, until the lease is ours."""
        within = self._times.renew_deadline.total_seconds() / 2
        while not await self._try_safely(within):  # noqa: ASYNC110 - the API server's lease is no Event
            await asyncio.sleep(self._times.retry_period.total_seconds())
        log.info("became leader", lease=self._name, identity=self._identity)

    async def hold(self, observe: Callable[[bool], None]) -> None:
        """Renew until cancelled. Raises LeadershipLost when that fails for the renew deadline."""
        observe(True)
        period = self._times.retry_period.total_seconds()
        try:
            while self._left() > 0:
                await asyncio.sleep(min(period, self._left()))
                if not await self._try_safely(self._left()) and self._is_others():
                    break
            raise LeadershipLost(f"lease {self._namespace}/{self._name} could not be renewed")
        finally:
            observe(False)

    async def release(self, within: float = 5.0) -> None:
        """Let another process take over without waiting; gives up after `within` seconds.

        Reads the lease first: the process may have been stopped in the middle of a renewal.
        """
        try:
            async with asyncio.timeout(within):
                lease = await self._client.find(LEASE, self._namespace, self._name)
                spec = (lease or {}).get("spec") or {}
                if lease is None or spec.get("holderIdentity") != self._identity:
                    return
                given_up = {"holderIdentity": "", "leaseDurationSeconds": 1, "renewTime": _now()}
                await self._client.update(LEASE, lease | {"spec": spec | given_up})
        except (KubeError, TimeoutError) as error:
            log.info("lease could not be released", lease=self._name, error=str(error))

    def _left(self) -> float:
        """Seconds for which we still lead."""
        deadline = self._renewed_at + self._times.renew_deadline.total_seconds()
        return deadline - asyncio.get_running_loop().time()

    async def _try_safely(self, within: float) -> bool:
        began = asyncio.get_running_loop().time()
        try:
            async with asyncio.timeout(within):
                if await self._try():
                    self._renewed_at = began
                    return True
        except Conflict:
            self._lease = None
        except ApiError as error:
            log.error("lease request refused", lease=self._name, error=error.message)
        except (KubeError, TimeoutError) as error:
            log.info("lease request failed", lease=self._name, error=str(error))
        return False

    async def _try(self) -> bool:
        lease = await self._client.find(LEASE, self._namespace, self._name)
        if lease is None:
            self._lease = await self._client.create(LEASE, self._fresh())
            return True
        self._notice(lease)
        spec = lease.get("spec") or {}
        holder = spec.get("holderIdentity") or ""
        if holder not in {"", self._identity} and not self._expired(spec):
            self._lease = lease
            return False
        renewed = dict(spec)
        renewed.update(
            holderIdentity=self._identity,
            leaseDurationSeconds=int(self._times.duration.total_seconds()),
            renewTime=_now(),
        )
        if holder != self._identity:
            renewed["acquireTime"] = renewed["renewTime"]
            renewed["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + 1
        self._lease = await self._client.update(LEASE, lease | {"spec": renewed})
        return True

    def _fresh(self) -> Object:
        now = _now()
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": {"name": self._name, "namespace": self._namespace},
            "spec": {
                "holderIdentity": self._identity,
                "leaseDurationSeconds": int(self._times.duration.total_seconds()),
                "acquireTime": now,
                "renewTime": now,
                "leaseTransitions": 0,
            },
        }

    def _notice(self, lease: Object) -> None:
        spec = lease.get("spec") or {}
        seen = (spec.get("holderIdentity") or "", spec.get("renewTime") or "")
        if seen != self._seen:
            self._seen, self._seen_at = seen, asyncio.get_running_loop().time()

    def _expired(self, spec: Object) -> bool:
        seconds = spec.get("leaseDurationSeconds") or self._times.duration.total_seconds()
        return asyncio.get_running_loop().time() - self._seen_at > float(seconds)

    def _is_others(self) -> bool:
        holder = ((self._lease or {}).get("spec") or {}).get("holderIdentity")
        return bool(holder) and holder != self._identity


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
