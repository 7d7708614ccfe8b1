"""Flags and environment of helm-controller (specs/helm.md 21)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from controllers.helm.session import ReleaseOptions
from shared.kube.clusters import ClusterSettings
from shared.kube.kubeconfig import Allowed
from shared.logic.digest import InvalidDigest, new_hasher
from shared.runtime.flags import Flags, RuntimeSettings, listed

NAME = "helm-controller"

GATES: Mapping[str, bool] = {
    "AdditiveCELDependencyCheck": False,
    "AdoptLegacyReleases": False,
    "AllowDNSLookups": False,
    "CacheSecretsAndConfigMaps": False,
    "CancelHealthCheckOnNewRevision": False,
    "CorrectDrift": False,
    "DefaultToRetryOnFailure": False,
    "DetectDrift": False,
    "DirectSourceFetch": False,
    "DisableChartDigestTracking": False,
    "DisableConfigWatchers": False,
    "ExternalArtifact": False,
    "OOMWatch": False,
    "ObjectLevelWorkloadIdentity": False,
    "UseHelm3Defaults": False,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """`full_check` is how often an unchanged release is compared with its records in full.

    `grace` is how long a running action may take to end when the process is told to stop.
    """

    runtime: RuntimeSettings
    release: ReleaseOptions
    clusters: ClusterSettings
    token_cache_size: int
    token_cache_longest: timedelta
    no_cross_namespace_refs: bool
    config_selector: str
    http_retry: int
    http_timeout: timedelta
    fetch_pause: timedelta
    source_host: str
    grace: timedelta
    full_check: timedelta

    @classmethod
    def from_process(cls, argv: Sequence[str], env: Mapping[str, str]) -> Self:
        """Exits with a message on flags that make no sense."""
        flags = Flags(NAME, concurrent=4, gates=GATES, env=env)
        _add(flags)
        runtime, found = flags.parse(argv)
        gates = runtime.gates
        if found.default_kubeconfig_service_account and not gates["ObjectLevelWorkloadIdentity"]:
            raise SystemExit(
                f"{NAME}: --default-kubeconfig-service-account needs the feature gate "
                "ObjectLevelWorkloadIdentity"
            )
        return cls(
            runtime=runtime,
            release=ReleaseOptions(
                algorithm=_algorithm(found.snapshot_digest_algo),
                override_managers=listed(found.override_manager),
                allow_dns=gates["AllowDNSLookups"],
                helm3_defaults=gates["UseHelm3Defaults"],
                retry_by_default=gates["DefaultToRetryOnFailure"],
            ),
            token_cache_size=found.token_cache_max_size,
            token_cache_longest=found.token_cache_max_duration,
            clusters=ClusterSettings(
                allowed=Allowed(found.insecure_kubeconfig_exec, found.insecure_kubeconfig_tls),
                default_service_account=found.default_service_account,
                default_kubeconfig_service_account=found.default_kubeconfig_service_account,
                object_level_identity=gates["ObjectLevelWorkloadIdentity"],
                user_agent=f"{NAME}/headwater",
            ),
            no_cross_namespace_refs=found.no_cross_namespace_refs,
            config_selector=found.watch_configs_label_selector,
            http_retry=max(found.http_retry, 0),
            http_timeout=found.http_timeout,
            fetch_pause=timedelta(milliseconds=500),
            source_host=env.get("SOURCE_CONTROLLER_LOCALHOST", ""),
            grace=found.graceful_shutdown_timeout,
            full_check=found.headwater_full_check_interval,
        )


def _add(flags: Flags) -> None:
    flags.duration("graceful-shutdown-timeout", "600s", "how long running actions may take to end at a stop")
    flags.number("http-retry", 9, "tries to fetch a chart before it counts as a failure")
    flags.duration("http-timeout", "30s", "how long a server may send nothing of a chart")
    for flag in ("default-service-account", "default-kubeconfig-service-account"):
        flags.text(flag, "")
    flags.text("snapshot-digest-algo", "sha256", text="algorithm of the digests in status.history")
    flags.many("override-manager", "field manager whose fields are taken over; may be repeated")
    for flag in ("no-cross-namespace-refs", "insecure-kubeconfig-exec", "insecure-kubeconfig-tls"):
        flags.boolean(flag)
    flags.duration("oom-watch-interval", "500ms", "accepted, without effect: rendering has limits of its own")
    flags.number("oom-watch-memory-threshold", 95, "accepted, without effect")
    for flag in ("oom-watch-max-memory-path", "oom-watch-current-memory-path"):
        flags.text(flag, "", text="accepted, without effect")
    flags.number("token-cache-max-size", 100)
    flags.duration("token-cache-max-duration", "1h")
    flags.duration(
        "headwater-full-check-interval", "1h", "how often even an unchanged release is looked at in full"
    )


def _algorithm(name: str) -> str:
    try:
        new_hasher(name)
    except InvalidDigest as error:
        raise SystemExit(f"{NAME}: --snapshot-digest-algo: {error}") from error
    return name
