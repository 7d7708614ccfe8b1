from __future__ import annotations

import base64
import gzip
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controllers.helm.release.encoding import decode, encode, parse, render
from controllers.helm.release.errors import CorruptRelease, ReleaseTooBig
from controllers.helm.release.record import Hook, HookPhase, HookRun, Info, Release, Status

MOMENT = "2026-11-23T08:57:05.560035168Z"

# As `helm install` of 4.1 stores it; the chart is cut short.
RECORD: dict[str, Any] = {
    "name": "r1",
    "info": {
        "first_deployed": MOMENT,
        "last_deployed": "2026-11-23T08:57:07.529609032Z",
        "description": "Rollback to 1",
        "status": "deployed",
        "notes": "1. Get the application URL\n",
        "unheard_of": {"kept": True},
    },
    "chart": {"metadata": {"name": "demo", "version": "0.1.0", "appVersion": "1.16.0"}, "lock": None},
    "config": {"replicaCount": 2},
    "manifest": "---\n# Source: demo/templates/sa.yaml\napiVersion: v1\nkind: ServiceAccount\n",
    "hooks": [
        {
            "name": "r1-test",
            "kind": "Pod",
            "path": "demo/templates/tests/test.yaml",
            "manifest": "kind: Pod",
            "events": ["test"],
            "last_run": {"phase": ""},
        },
        {
            "name": "r1-pre",
            "kind": "Job",
            "path": "demo/templates/hook.yaml",
            "manifest": "kind: Job",
            "events": ["pre-install", "pre-upgrade"],
            "last_run": {"started_at": MOMENT, "completed_at": MOMENT, "phase": "Succeeded"},
            "weight": -5,
            "delete_policies": ["hook-succeeded"],
        },
    ],
    "version": 3,
    "namespace": "default",
    "apply_method": "ssa",
}


def secret(content: bytes, *, folded: bool = True, **labels: str) -> dict[str, Any]:
    inner = base64.b64encode(gzip.compress(content) if folded else content)
    return {
        "metadata": {"name": "sh.helm.release.v1.r1.v3", "namespace": "apps", "labels": labels},
        "data": {"release": base64.b64encode(inner).decode()},
    }


def test_a_record_of_helm_is_understood_and_written_again_as_it_was() -> None:
    release = decode(secret(json.dumps(RECORD).encode(), name="r1", owner="helm", custom="yes"))

    assert (str(release), release.status, release.is_server_side) == ("default/r1.v3", Status.DEPLOYED, True)
    assert (release.chart_name, release.chart_version, release.app_version) == ("demo", "0.1.0", "1.16.0")
    assert release.labels == {"custom": "yes"}
    assert release.hooks[1].last_run == HookRun(HookPhase.SUCCEEDED, MOMENT, MOMENT)
    assert render(release) == RECORD


def test_a_record_of_helm_3_has_no_apply_method_and_may_be_unfolded() -> None:
    record = {key: value for key, value in RECORD.items() if key != "apply_method"}

    release = decode(secret(json.dumps(record).encode(), folded=False))

    assert not release.is_server_side
    assert render(release) == record


def test_words_of_a_later_helm_are_no_reason_to_give_up() -> None:
    hooks = [{"name": "h", "last_run": {"phase": "Postponed"}}]
    info = {"status": "half-deployed"}

    release = decode(secret(json.dumps({**RECORD, "hooks": hooks, "info": info, "new": 1}).encode()))

    assert release.status is Status.UNKNOWN
    assert release.hooks[0].last_run.phase is HookPhase.UNKNOWN


texts = st.text(max_size=20)
releases = st.builds(
    Release,
    name=st.text(min_size=1, max_size=20),
    namespace=texts,
    version=st.integers(1, 1000),
    info=st.builds(Info, st.sampled_from(Status), texts, st.sampled_from(["", MOMENT])),
    chart=st.dictionaries(texts, texts | st.integers(0, 9) | st.none(), max_size=3),
    config=st.dictionaries(texts, texts | st.lists(st.integers(0, 9), max_size=3), max_size=3),
    manifest=texts,
    hooks=st.lists(
        st.builds(
            Hook,
            texts,
            texts,
            texts,
            texts,
            st.lists(texts, max_size=2).map(tuple),
            st.integers(-9, 9),
            last_run=st.builds(HookRun, st.sampled_from(HookPhase), st.sampled_from(["", MOMENT])),
        ),
        max_size=2,
    ).map(tuple),
    apply_method=st.sampled_from(["ssa", "csa", ""]),
)


@given(releases)
def test_what_is_written_is_read(release: Release) -> None:
    assert parse(render(release), {}) == release


@pytest.mark.parametrize(
    ("data", "why"),
    [
        pytest.param(None, "no 'release'", id="no data"),
        pytest.param("%%%", "not base64", id="no base64"),
        pytest.param("JSUl", "not base64", id="no inner base64"),
        pytest.param(base64.b64encode(base64.b64encode(b"{")).decode(), "unexpected end", id="no JSON"),
        pytest.param(
            base64.b64encode(base64.b64encode(gzip.compress(b"{}" * 100)[:20])).decode(),
            "cut short",
            id="cut short",
        ),
        pytest.param(
            base64.b64encode(base64.b64encode(gzip.compress(b" " * (65 << 20)))).decode(),
            "unfolds to more than",
            id="a bomb",
        ),
    ],
)
def test_corrupt_records_name_their_secret(data: str | None, why: str) -> None:
    broken = secret(b"")
    broken["data"] = {} if data is None else {"release": data}

    with pytest.raises(CorruptRelease, match=why) as failure:
        decode(broken)

    assert str(failure.value).startswith(
        "Secret apps/sh.helm.release.v1.r1.v3 holds no readable Helm release"
    )


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"info": 1},
        {"info": []},
        {"version": "x"},
        {"hooks": [1]},
        {"hooks": 5},
        {"chart": "x"},
        {"manifest": 1},
        {"hooks": [{"last_run": "nonsense"}]},
        {"hooks": [{"events": [1]}]},
    ],
    ids=str,
)
def test_records_with_wrong_types_are_corrupt(change: dict[str, Any]) -> None:
    with pytest.raises(CorruptRelease):
        decode(secret(json.dumps({**RECORD, **change}).encode()))


@given(st.binary(max_size=200))
def test_nonsense_fails_in_one_way(content: bytes) -> None:
    with pytest.raises(CorruptRelease):
        decode(secret(content))


def test_what_no_secret_can_hold_is_refused_with_advice() -> None:
    release = parse(RECORD, {})
    noise = "".join(map(chr, range(33, 127)))
    big = replace(release, manifest="".join(f"{n * n * 2654435761 % 2**64:x}{noise}" for n in range(90_000)))

    with pytest.raises(ReleaseTooBig, match="of 1048576 that a Secret may hold; take files"):
        encode(big)
