"""Charts that fail, run away or kill their worker, and workers that come and go (demands 3.3, items 36-40)."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from shared.charts.capabilities import Capabilities
from shared.charts.engine import Engine, RenderRequest
from shared.charts.errors import (
    ChartError,
    EngineFailed,
    InvalidChart,
    InvalidReleaseName,
    InvalidValues,
    RenderedTooBig,
    RenderFailed,
    RenderOutOfMemory,
    RenderTimedOut,
)
from shared.charts.pool import Limits
from tests.charts import FILES, about
from tests.unit.shared.charts.rendering import CLUSTER, TEMPLATE, request, text

pytest.importorskip("helm_python", reason="the Helm library is not installed (extra 'helm')")
pytestmark = pytest.mark.asyncio(loop_scope="module")


def workers() -> set[int]:
    """Process ids of all living children that render."""
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    named = {int(pid): Path(f"/proc/{pid}/cmdline").read_bytes() for pid in children}
    return {pid for pid, line in named.items() if b"shared.charts.worker" in line}


@pytest.mark.parametrize(
    ("files", "error", "message"),
    [
        pytest.param({TEMPLATE: "\na: {{ .Values.x.y.z }}"}, RenderFailed, r"web/templates/a.yaml:2:13: .*nil pointer", id="nil"),
        pytest.param({TEMPLATE: "a: {{ nope }}"}, RenderFailed, r'a\.yaml:1\): function "nope"', id="unknown function"),
        pytest.param({TEMPLATE: '{{ fail "not so" }}'}, RenderFailed, r"a\.yaml:1:3\): not so", id="fail"),
        pytest.param({TEMPLATE: '{{ required "give x" .Values.x }}'}, RenderFailed, "give x", id="required"),
        pytest.param({TEMPLATE: "a: ["}, RenderFailed, r"YAML parse error on web/templates/a\.yaml", id="broken YAML"),
        pytest.param({TEMPLATE: "- a"}, RenderFailed, r"YAML parse error on web/templates/a\.yaml", id="a list"),
        pytest.param({"Chart.yaml": "name: ["}, InvalidChart, "cannot load Chart.yaml", id="broken Chart.yaml"),
        pytest.param({"Chart.yaml": about("..")}, InvalidChart, "name", id="a name that is a path"),
        pytest.param({"Chart.yaml": about(version='"1.0.0\\e[31m"')}, InvalidChart, "version", id="escape codes"),
        pytest.param({"Chart.yaml": "apiVersion: v3\nname: web\nversion: 1.0.0\n"}, InvalidChart, "v2 is supported", id="v3"),
        pytest.param({"values.yaml": "a: ["}, InvalidChart, r"values\.yaml", id="broken values"),
        pytest.param({"values.schema.json": '{"$ref": "#"}'}, InvalidValues, "reference cycle", id="a schema of itself"),
        pytest.param(
            {"values.schema.json": '{"x": {"$id": "http://10.0.0.1/"}, "$ref": "http://10.0.0.1/"}'},
            InvalidValues, "proxyconnect", id="a schema that pretends to have what it refers to",
        ),
        pytest.param({TEMPLATE: '{{ define "r" }}{{ include "r" . }}{{ end }}{{ include "r" . }}'}, RenderFailed, "nested reference", id="endless include"),
        pytest.param({TEMPLATE: "{{ range until 20002 }}---\na: b\n{{ end }}"}, RenderedTooBig, "documents", id="too many documents"),
        pytest.param({TEMPLATE: 'a: {{ repeat 20000000 "x" }}'}, RenderedTooBig, "renders to 19 MiB", id="too much text"),
        pytest.param({TEMPLATE: 'a: {{ repeat 20000000000 "x" }}'}, RenderOutOfMemory, "more memory", id="20 GB"),
        pytest.param({TEMPLATE: "{{ range until 1000000000 }}{{ end }}"}, RenderOutOfMemory, "more memory", id="a long range"),
        pytest.param({TEMPLATE: "a: &a [x,x,x,x,x,x,x,x]\n" + "".join(
            f"{n}: &{n} [*{p},*{p},*{p},*{p},*{p},*{p},*{p},*{p}]\n" for p, n in zip("abcdefg", "bcdefgh", strict=True)
        )}, RenderFailed, "excessive aliasing", id="billion laughs"),
        pytest.param({TEMPLATE: "a: " + "[" * 20000 + "]" * 20000}, RenderFailed, "max depth", id="deep YAML"),
    ],
)  # fmt: skip
async def test_a_bad_chart_fails_by_its_name_and_the_next_renders(
    engine: Engine, tmp_path: Path, files: FILES, error: type[ChartError], message: str
) -> None:
    with pytest.raises(error, match=message) as failed:
        await engine.render(request(tmp_path, files))
    assert len(str(failed.value)) < 3000
    assert await text(engine, tmp_path, "2") == "2"


async def test_a_runaway_is_stopped_in_time(engine: Engine, tmp_path: Path) -> None:
    forever = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    with pytest.raises(RenderTimedOut, match=r"longer than 0\.5s"):
        await engine.render(request(tmp_path, {TEMPLATE: forever}, timeout=timedelta(seconds=0.5)))
    assert workers() == set()
    assert await text(engine, tmp_path, "2") == "2"


async def test_a_caller_who_leaves_takes_the_worker_along(engine: Engine, tmp_path: Path) -> None:
    forever = "{{ range until 100000 }}{{ range until 100000 }}{{ end }}{{ end }}"
    assert await text(engine, tmp_path, "2") == "2"
    task = asyncio.create_task(engine.render(request(tmp_path, {TEMPLATE: forever})))
    await asyncio.sleep(0.1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert workers() == set()


async def test_a_worker_knows_no_secrets_and_dies_with_the_engine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBECONFIG", "/etc/kubeconfig")
    monkeypatch.setenv("A_SECRET", "hunter2")
    before = workers()
    engine = Engine(size=1)
    async with engine.serve():
        assert await text(engine, tmp_path, "2") == "2"
        (pid,) = workers() - before
        environment = Path(f"/proc/{pid}/environ").read_text()
    assert "KUBECONFIG" not in environment
    assert "hunter2" not in environment
    assert workers() == before


async def test_an_idle_worker_ends(tmp_path: Path) -> None:
    before = workers()
    engine = Engine(size=1, idle=timedelta(seconds=0.1))
    async with engine.serve():
        assert await text(engine, tmp_path, "2") == "2"
        assert len(workers() - before) == 1
        async with asyncio.timeout(5):
            while workers() != before:
                await asyncio.sleep(0.02)
        assert await text(engine, tmp_path, "2") == "2"


async def test_a_worker_that_died_while_idle_is_replaced(tmp_path: Path) -> None:
    before = workers()
    engine = Engine(size=1)
    async with engine.serve():
        assert await text(engine, tmp_path, "2") == "2"
        (pid,) = workers() - before
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(5):
            while workers() != before:
                await asyncio.sleep(0.02)
        await asyncio.sleep(0.05)
        assert await text(engine, tmp_path, "2") == "2"


async def test_a_worker_that_has_grown_is_not_kept(tmp_path: Path) -> None:
    before = workers()
    engine = Engine(size=1, limits=Limits(keep_bytes=1))
    async with engine.serve():
        assert await text(engine, tmp_path, "2") == "2"
        assert workers() == before


async def test_an_engine_that_cannot_start_says_so(tmp_path: Path) -> None:
    engine = Engine(size=1, limits=Limits(memory_bytes=1))
    async with engine.serve():
        with pytest.raises(EngineFailed, match="does not start"):
            await engine.render(request(tmp_path, {TEMPLATE: "a: b"}))


async def test_values_that_are_no_json_are_refused(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InvalidValues, match="cannot be passed"):
        await text(engine, tmp_path, "1", values={"x": object()})
    with pytest.raises(InvalidValues, match="larger than"):
        await text(engine, tmp_path, "1", values={"x": "y" * (17 * 2**20)})


async def test_a_cluster_without_a_version_is_no_fault_of_the_chart(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(EngineFailed, match="version"):
        await text(engine, tmp_path, "1", capabilities=Capabilities("unheard-of", frozenset()))


@pytest.mark.parametrize("name", ["", "Upper", "under_score", "-dash", "a" * 54, "x\n", "../x"])
async def test_names_that_no_release_can_have(engine: Engine, tmp_path: Path, name: str) -> None:
    wanted = replace(request(tmp_path, {TEMPLATE: "a: b"}), release_name=name)
    with pytest.raises(InvalidReleaseName, match="release name"):
        await engine.render(wanted)


async def test_a_missing_chart_is_an_invalid_one(engine: Engine, tmp_path: Path) -> None:
    with pytest.raises(InvalidChart, match="No such file"):
        await engine.render(RenderRequest(tmp_path / "none.tgz", "demo", "shop", CLUSTER))


async def test_the_controllers_process_never_loads_the_library() -> None:
    script = "import sys, shared.charts.engine; print('helm_python' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert done.stdout == "False\n"
