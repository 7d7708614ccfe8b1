"""What cannot be published says why, never shows a secret, and recovers."""

from __future__ import annotations

import pytest

from shared.model.kinds import HELM_CHART, HELM_REPOSITORY
from tests.e2e.git_repository.words import make_secret, told
from tests.e2e.helm_repository.words import handled, make_helm_chart, make_repository
from tests.e2e.world import World, condition
from tests.fakes.chart_repository import ChartRepository, archive, make_chart

pytestmark = pytest.mark.e2e


async def test_repositories(world: World, server: ChartRepository) -> None:
    server.add(*make_chart("app", "1.0.0"))
    await make_secret(world, "half", username="ada")
    await make_secret(world, "no-tls", x="y")
    await make_secret(world, "bad-tls", ca__crt="no certificate")
    denied = "AuthenticationFailed"
    for name, spec, reason, words in (
        ("no-host", {"url": "http://127.0.0.1:1"}, "Failed", "127.0.0.1:1: "),
        ("no-index", {"url": f"{server.url}/gone"}, "Failed", "404 Not Found"),
        ("no-secret", {"secretRef": {"name": "gone"}}, denied, "not found"),
        ("half", {"secretRef": {"name": "half"}}, denied, "need each other"),
        ("no-tls", {"certSecretRef": {"name": "no-tls"}}, denied, "neither 'ca.crt' nor"),
        ("bad-tls", {"certSecretRef": {"name": "bad-tls"}}, denied, "cannot be read"),
    ):
        await make_repository(world, name, **({"url": server.url} | spec))
        obj = await world.failing(HELM_REPOSITORY, name, reason)
        failed = condition(obj, "FetchFailed")
        assert (failed["status"], failed["reason"]) == ("True", reason)
        assert words in failed["message"]
        assert condition(obj, "Reconciling")["reason"] == "ProgressingWithRetry"
        assert "artifact" not in obj["status"]
    assert (await told(world, "no-index", "Failed"))["type"] == "Warning"

    await make_repository(world, "wrong-type", url="oci://127.0.0.1/x")
    obj = await world.failing(HELM_REPOSITORY, "wrong-type", "URLInvalid")
    assert condition(obj, "Stalled")["reason"] == condition(obj, "FetchFailed")["reason"] == "URLInvalid"


async def test_an_index_that_breaks_and_recovers(world: World, server: ChartRepository) -> None:
    server.add(*make_chart("app", "1.0.0"))
    await make_repository(world, url=server.url)
    before = await world.ready(HELM_REPOSITORY, "charts")
    server.index = b"apiVersion: v1\nentries:\n  app:\n  - {x: *bomb}\n"
    await world.request(HELM_REPOSITORY, "charts")
    obj = await world.failing(HELM_REPOSITORY, "charts", "IndexationFailed")
    assert "aliases" in condition(obj, "FetchFailed")["message"]
    assert obj["status"]["artifact"] == before["status"]["artifact"]

    server.index = None
    await handled(world, HELM_REPOSITORY, "charts")
    obj = await world.ready(HELM_REPOSITORY, "charts")
    assert not condition(obj, "FetchFailed")
    await told(world, "charts", "Succeeded")


async def test_charts(world: World, server: ChartRepository) -> None:
    server.add(*make_chart("app", "1.0.0"))
    server.add(*make_chart("forged", "1.0.0"), digest="0" * 64)
    server.add(*make_chart("nowhere", "1.0.0"), urls=[])
    server.add(*make_chart("local", "1.0.0"), urls=["file:///etc/passwd"])
    server.add(b"no chart", {"name": "broken", "version": "1.0.0", "apiVersion": "v2"})
    server.add(
        archive({"../../escape/Chart.yaml": "x"}), {"name": "escape", "version": "1.0.0", "apiVersion": "v2"}
    )
    await make_repository(world, url=server.url)
    final, pull = "InvalidChartReference", "ChartPullError"
    for name, spec, reason, words in (
        ("no-chart", {"chart": "gone"}, final, "no chart name found"),
        ("no-version", {"version": ">9"}, final, "no 'app' chart with version matching '>9' found"),
        ("nonsense", {"version": "newest"}, final, "improper constraint: newest"),
        ("dots", {"chart": ".."}, final, "invalid chart name '..'"),
        ("forged", {"chart": "forged"}, pull, "while the index says sha256:" + "0" * 64),
        ("nowhere", {"chart": "nowhere"}, pull, "has no downloadable URLs"),
        ("local", {"chart": "local"}, pull, "is no URL of http or https"),
        ("broken", {"chart": "broken"}, pull, "not valid gzip"),
        ("escape", {"chart": "escape"}, pull, "illegal name"),
    ):
        await make_helm_chart(world, name, **spec)
        obj = await world.failing(HELM_CHART, name, reason)
        assert words in condition(obj, "FetchFailed")["message"]
        assert bool(condition(obj, "Stalled")) is (reason == final)
        assert "artifact" not in obj["status"]

    # A new index revives what has stalled.
    server.add(*make_chart("gone", "1.0.0"))
    await world.request(HELM_REPOSITORY, "charts")
    await world.ready(HELM_CHART, "no-chart", revision="1.0.0")


async def test_a_password_that_changes(world: World, server: ChartRepository) -> None:
    server.add(*make_chart("app", "1.0.0"))
    server.username, server.password = "ada", "s3cr3t"
    await make_secret(world, "login", username="ada", password="s3cr3t")
    await make_repository(world, url=server.url, secretRef={"name": "login"})
    await world.ready(HELM_REPOSITORY, "charts")
    server.password = "other"
    await make_helm_chart(world)
    obj = await world.until(HELM_CHART, "app", lambda obj: bool(condition(obj, "FetchFailed")))
    assert "failed to authenticate with the Helm repository" in condition(obj, "FetchFailed")["message"]
    assert (await told(world, "app", "AuthenticationFailed"))["type"] == "Warning"
    assert "s3cr3t" not in str(obj)
