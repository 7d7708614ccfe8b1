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


def test_generation() -> None:
    generation = Settings.from_process([], {}).generation
    assert (generation.own_namespace_only, generation.retries) == (True, 9)
    assert generation.timeout == timedelta(minutes=10)
    variables = {"SOURCE_CONTROLLER_LOCALHOST": "localhost:8080"}
    generation = Settings.from_process(
        ["--no-cross-namespace-refs=false", "--http-retry=2"], variables
    ).generation
    assert (generation.own_namespace_only, generation.retries) == (False, 2)
    assert generation.source_host == "localhost:8080"


@pytest.mark.parametrize(
    ("emulator", "address"),
    [
        ("", "https://storage.googleapis.com"),
        ("localhost:4443", "http://localhost:4443"),
        ("https://gcs.example.com/", "https://gcs.example.com"),
    ],
)
def test_where_googles_storage_is(emulator: str, address: str) -> None:
    variables = {"STORAGE_EMULATOR_HOST": emulator, "AWS_REGION": "eu-west-1"}
    settings = Settings.from_process([], variables)
    assert (settings.google_storage, settings.aws_region) == (address, "eu-west-1")


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
