from datetime import timedelta

import pytest

from shared.runtime.address import Address
from shared.runtime.controller import lease_name
from shared.runtime.flags import Flags


def parse(*argv, env=None, gates=None):
    flags = Flags("x-controller", concurrent=4, gates=gates or {"A": False}, env=env or {})
    return flags.parse(argv)[0]


def test_defaults_are_those_of_the_contract():
    settings = parse()
    assert (str(settings.metrics_addr), str(settings.health_addr), settings.events_addr) == (
        ":8080",
        ":9440",
        "",
    )
    assert settings.min_retry_delay == timedelta(milliseconds=750)
    assert settings.max_retry_delay == timedelta(minutes=15)
    assert (settings.concurrent, settings.jitter, settings.namespace) == (4, 0.05, "")
    assert not settings.leader_election
    assert settings.lease_duration == timedelta(seconds=35)


def test_booleans_are_read_as_go_reads_them():
    assert parse("--enable-leader-election").leader_election
    assert not parse("--enable-leader-election=false").leader_election
    assert parse("--watch-all-namespaces=false", env={"RUNTIME_NAMESPACE": "ns"}).namespace == "ns"


def test_the_environment_gives_defaults_that_flags_beat():
    env = {"EVENTS_ADDR": "http://n/"}
    assert parse(env=env).events_addr == "http://n/"
    assert parse("--events-addr=", env=env).events_addr == ""


def test_gates_are_switched_and_unknown_ones_end_the_process(capsys):
    assert parse("--feature-gates=A=true").gates["A"]
    with pytest.raises(SystemExit) as ended:
        parse("--feature-gates=A=true,Nope=true")
    assert ended.value.code == 1
    assert "feature-gate 'Nope' not supported" in capsys.readouterr().err


@pytest.mark.parametrize(
    "argv",
    [
        ["--interval-jitter-percentage=100"],
        ["--watch-all-namespaces=false"],
        ["--requeue-dependency=soon"],
        ["--metrics-addr=8080"],
        ["--unknown"],
        ["--log-level=loud"],
        ["--enable-leader-election", "--leader-election-lease-duration=30s"],
        ["--enable-leader-election", "--leader-election-retry-period=25s"],
        ["--enable-leader-election", "--leader-election-retry-period=0s"],
    ],
    ids=" ".join,
)
def test_nonsense_ends_the_process_with_a_message(argv, capsys):
    with pytest.raises(SystemExit) as ended:
        parse(*argv)
    assert ended.value.code == 2
    assert "error:" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [(":8080", None, 8080), ("127.0.0.1:0", "127.0.0.1", 0), ("[::1]:9090", "::1", 9090)],
)
def test_addresses(text, host, port):
    address = Address.parse(text)
    assert (address.host, address.port, str(address)) == (host, port, text)


def test_shards_elect_apart():
    assert lease_name("x", "") == "x-leader-election"
    assert lease_name("x", "a=b") == "x-leader-election-42144f39"
    assert lease_name("x", "a=b") != lease_name("x", "a=c")
