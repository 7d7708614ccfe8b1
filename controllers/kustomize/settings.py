"""Flags and environment of kustomize-controller (specs/kustomize.md 16)."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Self

from controllers.kustomize.prune_guard import PruneGuard
from controllers.kustomize.sops.vault_auth import VaultAuth
from shared.kube.clusters import ClusterSettings
from shared.kube.kubeconfig import Allowed
from shared.model.meta import GroupKind, ObjectKey
from shared.runtime.flags import Flags, RuntimeSettings, listed

NAME = "kustomize-controller"

GATES: Mapping[str, bool] = {
    "AdditiveCELDependencyCheck": False,
    "CacheSecretsAndConfigMaps": False,
    "CancelHealthCheckOnNewRevision": False,
    "DirectSourceFetch": False,
    "DisableConfigWatchers": False,
    "DisableFailFastBehavior": False,
    "DisableStatusPollerCache": True,
    "ExternalArtifact": False,
    "GroupChangeLog": False,
    "MigrateAPIVersion": False,
    "ObjectLevelWorkloadIdentity": False,
    "StrictPostBuildSubstitutions": True,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """`full_check` is how often an unchanged Kustomization is compared with the API server in full."""

    runtime: RuntimeSettings
    concurrent_ssa: int
    http_retry: int
    no_cross_namespace_refs: bool
    no_remote_bases: bool
    loopback_bases: bool
    clusters: ClusterSettings
    vaults: VaultAuth | None
    default_decryption_account: str
    token_cache_size: int
    token_cache_longest: timedelta
    override_managers: tuple[str, ...]
    custom_stage_kinds: frozenset[GroupKind]
    config_selector: str
    age_secret: ObjectKey | None
    full_check: timedelta
    prune_guard: PruneGuard
    fetch_pause: timedelta
    source_host: str

    @classmethod
    def from_process(cls, argv: Sequence[str], env: Mapping[str, str]) -> Self:
        """Exits with a message on flags that make no sense."""
        flags = Flags(NAME, concurrent=4, gates=GATES, env=env)
        flags.number("concurrent-ssa", 4, "objects of one Kustomization that are checked at a time")
        flags.number("http-retry", 9, "tries to fetch an artifact before it counts as a failure")
        flags.boolean("no-cross-namespace-refs")
        flags.boolean("no-remote-bases")
        flags.boolean("headwater-loopback-bases")
        flags.boolean("insecure-kubeconfig-exec")
        flags.boolean("insecure-kubeconfig-tls")
        for flag in ("default-service-account", "default-decryption-service-account"):
            flags.text(flag, "")
        for flag in ("default-kubeconfig-service-account", "sops-age-secret", "sops-vault-configmap"):
            flags.text(flag, "")
        flags.many("override-manager", "field manager whose fields are taken over; may be repeated")
        flags.many("custom-apply-stage-kinds", "Group/Kind, applied in a stage of their own")
        flags.number("token-cache-max-size", 100)
        flags.duration("token-cache-max-duration", "1h")
        flags.duration(
            "headwater-full-check-interval",
            "1h",
            "how often even an unchanged Kustomization is checked in full",
        )
        flags.number(
            "headwater-prune-guard-percent",
            0,
            "share of an inventory that a build may prune without an explicit yes; 0 is off",
        )
        runtime, found = flags.parse(argv)
        _require_gate(runtime, found)
        return cls(
            runtime=runtime,
            concurrent_ssa=max(found.concurrent_ssa, 1),
            http_retry=max(found.http_retry, 0),
            no_cross_namespace_refs=found.no_cross_namespace_refs,
            no_remote_bases=found.no_remote_bases,
            loopback_bases=found.headwater_loopback_bases,
            clusters=ClusterSettings(
                allowed=Allowed(found.insecure_kubeconfig_exec, found.insecure_kubeconfig_tls),
                default_service_account=found.default_service_account,
                default_kubeconfig_service_account=found.default_kubeconfig_service_account,
                object_level_identity=runtime.gates["ObjectLevelWorkloadIdentity"],
                user_agent=f"{NAME}/headwater",
            ),
            vaults=_vaults(found, runtime.own_namespace),
            default_decryption_account=found.default_decryption_service_account,
            token_cache_size=found.token_cache_max_size,
            token_cache_longest=found.token_cache_max_duration,
            override_managers=listed(found.override_manager),
            custom_stage_kinds=frozenset(
                _group_kind(item) for item in listed(found.custom_apply_stage_kinds)
            ),
            age_secret=_in_own_namespace(found.sops_age_secret, runtime.own_namespace),
            config_selector=found.watch_configs_label_selector,
            full_check=found.headwater_full_check_interval,
            prune_guard=PruneGuard(min(max(found.headwater_prune_guard_percent, 0), 100)),
            fetch_pause=timedelta(milliseconds=500),
            source_host=env.get("SOURCE_CONTROLLER_LOCALHOST", ""),
        )


def _require_gate(runtime: RuntimeSettings, found: argparse.Namespace) -> None:
    """Accounts for objects make no sense while objects may have none: the process ends, as Flux's does."""
    if runtime.gates["ObjectLevelWorkloadIdentity"]:
        return
    for flag in ("default-decryption-service-account", "default-kubeconfig-service-account"):
        if getattr(found, flag.replace("-", "_")):
            raise SystemExit(f"{NAME}: --{flag} needs the feature gate ObjectLevelWorkloadIdentity")


def _group_kind(text: str) -> GroupKind:
    group, _, kind = text.rpartition("/")
    return GroupKind(group, kind)


def _vaults(found: argparse.Namespace, namespace: str) -> VaultAuth | None:
    config = _in_own_namespace(found.sops_vault_configmap, namespace)
    return VaultAuth(config, default_account=found.default_decryption_service_account) if config else None


def _in_own_namespace(name: str, namespace: str) -> ObjectKey | None:
    return ObjectKey(namespace, name) if name and namespace else None
