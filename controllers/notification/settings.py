"""Flags and environment of notification-controller (specs/notification.md 16)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Self

from controllers.notification.gate import IDENTITY_GATE
from shared.runtime.address import Address
from shared.runtime.flags import Flags, RuntimeSettings

NAME = "notification-controller"

GATES: Mapping[str, bool] = {
    "CacheSecretsAndConfigMaps": False,
    "DisableConfigWatchers": False,
    IDENTITY_GATE: False,
}
_EVENTS_ADDR = ":9090"


class InvalidSettings(ValueError):
    """A flag that cannot work."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`rate_limit` is how long the same event is not heard again."""

    runtime: RuntimeSettings
    events_addr: Address
    receiver_addr: Address
    rate_limit: timedelta
    path_metrics: bool
    no_cross_namespace_refs: bool
    config_selector: str

    @classmethod
    def from_process(cls, argv: Sequence[str], env: Mapping[str, str]) -> Self:
        """Exits on flags that cannot be read; raises InvalidSettings for those that cannot work."""
        flags = Flags(NAME, concurrent=4, gates=GATES, env=env)
        flags.text("receiverAddr", ":9292", text="where webhooks call")
        flags.duration("rate-limit-interval", "5m", "how long the same event is not heard again")
        flags.boolean("export-http-path-metrics", "label the metrics of HTTP requests with their paths")
        flags.boolean("no-cross-namespace-refs")
        flags.number("token-cache-max-size", 100)
        flags.duration("token-cache-max-duration", "1h")
        flags.text("default-service-account", "")
        runtime, found = flags.parse(argv)
        if found.default_service_account:
            raise InvalidSettings("--default-service-account needs workload identity, which is not offered")
        try:
            # Here the flag says where we listen; in every other controller, where events go.
            events_addr = Address.parse(runtime.events_addr or _EVENTS_ADDR)
            receiver_addr = Address.parse(found.receiverAddr)
        except ValueError as error:
            raise InvalidSettings(str(error)) from error
        return cls(
            # Our own events are not posted, least of all to ourselves, and intervals are kept to the second.
            runtime=replace(runtime, events_addr="", jitter=0.0),
            events_addr=events_addr,
            receiver_addr=receiver_addr,
            rate_limit=found.rate_limit_interval,
            path_metrics=found.export_http_path_metrics,
            no_cross_namespace_refs=found.no_cross_namespace_refs,
            config_selector=found.watch_configs_label_selector,
        )
