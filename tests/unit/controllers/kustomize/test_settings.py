from __future__ import annotations

import pytest

from controllers.kustomize.prune_guard import PruneGuard
from controllers.kustomize.settings import Settings
from shared.model.meta import GroupKind, ObjectKey


def settings(*flags: str, **env: str) -> Settings:
    return Settings.from_process(flags, env)


def test_nothing_given_means_what_flux_means() -> None:
    found = settings()
    assert (found.concurrent_ssa, found.http_retry, found.runtime.concurrent) == (4, 9, 4)
    assert not found.no_cross_namespace_refs
    assert found.config_selector == "reconcile.fluxcd.io/watch=Enabled"
    assert (found.age_secret, found.vaults, found.source_host) == (None, None, "")
    assert found.prune_guard == PruneGuard(0)
    assert not found.clusters.allowed.exec_plugins
    assert not found.clusters.allowed.insecure_tls


def test_what_is_given_arrives() -> None:
    found = settings(
        "--default-service-account=tenant",
        "--no-cross-namespace-refs",
        "--insecure-kubeconfig-exec",
        "--sops-age-secret=keys",
        "--override-manager=a,b",
        "--override-manager=c",
        "--custom-apply-stage-kinds=x.io/Foo,ConfigMap",
        "--headwater-prune-guard-percent=30",
        RUNTIME_NAMESPACE="flux-system",
        SOURCE_CONTROLLER_LOCALHOST="localhost:9090",
    )
    assert found.clusters.default_service_account == "tenant"
    assert found.clusters.allowed.exec_plugins
    assert found.age_secret == ObjectKey("flux-system", "keys")
    assert found.override_managers == ("a", "b", "c")
    assert found.custom_stage_kinds == {GroupKind("x.io", "Foo"), GroupKind("", "ConfigMap")}
    assert found.prune_guard == PruneGuard(30)
    assert found.source_host == "localhost:9090"


@pytest.mark.parametrize("flag", ["default-decryption-service-account", "default-kubeconfig-service-account"])
def test_an_account_for_objects_needs_the_gate(flag: str) -> None:
    with pytest.raises(SystemExit, match=f"--{flag} needs the feature gate ObjectLevelWorkloadIdentity"):
        settings(f"--{flag}=x")
    assert settings(f"--{flag}=x", "--feature-gates=ObjectLevelWorkloadIdentity=true")
