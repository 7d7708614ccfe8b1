from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from controllers.image_automation.settings import InvalidSettings, Settings


def read(*argv: str) -> Settings:
    return Settings.from_process(argv, {})


def test_defaults() -> None:
    settings = read()
    assert (settings.storage_path, settings.gc_interval) == (Path("/data"), timedelta(minutes=10))
    assert (settings.token_cache_size, settings.token_cache_longest) == (100, timedelta(hours=1))
    assert (settings.runtime.concurrent, settings.runtime.jitter) == (4, 0.0)
    assert settings.runtime.gates == {
        "CacheSecretsAndConfigMaps": False,
        "ObjectLevelWorkloadIdentity": False,
        "FluxStorage": False,
        "GitForcePushBranch": True,
        "GitShallowClone": True,
        "GitAllBranchReferences": True,
        "GitSparseCheckout": False,
    }


def test_the_flags_of_both_of_flux_s_controllers_are_taken() -> None:
    settings = read(
        "--gc-interval=0",
        "--storage-value-log-file-size=1",
        "--storage-compression-threshold=1",
        "--ssh-kex-algos=a,b",
        "--ssh-hostkey-algos=c",
        "--no-cross-namespace-refs",
        "--feature-gates=FluxStorage=true,ObjectLevelWorkloadIdentity=true",
        "--default-service-account=x",
    )
    assert (settings.gc_interval, settings.no_cross_namespace_refs) == (None, True)
    assert (settings.ssh.key_exchange, settings.ssh.host_key) == (("a", "b"), ("c",))
    assert settings.default_service_account == "x"


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--default-service-account=x", "needs --feature-gates=ObjectLevelWorkloadIdentity=true"),
        ("--gc-interval=-1", "a number of minutes, 0 or more"),
    ],
)
def test_flags_that_cannot_work(flag: str, words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        read(flag)
