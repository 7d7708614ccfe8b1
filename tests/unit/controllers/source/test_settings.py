from datetime import timedelta
from pathlib import Path

import pytest

from controllers.source.settings import InvalidSettings, Settings


def test_defaults() -> None:
    settings = Settings.from_process([], {})

    assert (settings.storage_path, str(settings.storage_addr)) == (Path("/data"), ":9090")
    assert settings.advertised == "localhost:9090"
    assert (settings.retention.ttl, settings.retention.records) == (timedelta(minutes=1), 2)
    assert settings.digest_algorithm == "sha256"
    assert settings.runtime.concurrent == 2


def test_limits_of_charts() -> None:
    limits = Settings.from_process(["--helm-cache-max-size=7", "--helm-index-max-size=9"], {}).helm

    assert (limits.index_max_bytes, limits.cache_size) == (9, 7)
    assert (limits.chart_max_bytes, limits.chart_file_max_bytes) == (10 * 2**20, 5 * 2**20)
    assert (limits.cache_ttl, limits.cache_purge) == (timedelta(minutes=15), timedelta(minutes=1))


def test_variables_and_flags() -> None:
    variables = {
        "STORAGE_PATH": "/var",
        "STORAGE_ADDRESS": "0.0.0.0:80",
        "HOSTNAME": "pod",
        "STORAGE_ADV_ADDR": "",
    }
    settings = Settings.from_process(
        ["--storage-path=/mnt", "--ssh-kex-algos=a,b", "--ssh-hostkey-algos=c"], variables
    )

    assert settings.storage_path == Path("/mnt")
    assert settings.advertised == "pod:80"
    assert (settings.ssh.key_exchange, settings.ssh.host_key) == (("a", "b"), ("c",))


@pytest.mark.parametrize(
    ("flag", "words"),
    [
        ("--artifact-digest-algo=md5", "md5"),
        ("--storage-addr=nonsense", "nonsense"),
        ("--default-service-account=x", "ObjectLevelWorkloadIdentity"),
    ],
)
def test_what_cannot_work_is_refused(flag: str, words: str) -> None:
    with pytest.raises(InvalidSettings, match=words):
        Settings.from_process([flag], {})


def test_an_unknown_gate_is_fatal() -> None:
    with pytest.raises(SystemExit):
        Settings.from_process(["--feature-gates=OptimizedGitClones=true"], {})
