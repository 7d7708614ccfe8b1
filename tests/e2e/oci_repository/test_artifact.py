"""What an OCIRepository publishes, when, and for whom."""

from __future__ import annotations

import urllib.error
import urllib.request

import pytest

from shared.model.kinds import KUSTOMIZATION, OCI_REPOSITORY
from shared.oci.push import push_artifact
from tests.e2e.git_repository.words import content, told
from tests.e2e.oci_repository.words import LAYER, archive, handled, push
from tests.e2e.world import World
from tests.fakes.registry import FakeRegistry

pytestmark = pytest.mark.e2e

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-oci\ndata:\n  version: '{}'\n"


async def test_from_a_push_to_the_cluster(world: World, server: FakeRegistry) -> None:
    origin = {
        "org.opencontainers.image.source": "https://git.example.com/app",
        "org.opencontainers.image.revision": "main@sha1:1",
    }
    pushed = await push(server, "latest", {"deploy/a.yaml": CONFIG_MAP.format(1), "logo.png": "x"}, origin)
    await world.oci_repository(url=server.url())
    await world.kustomization(
        sourceRef={"kind": "OCIRepository", "name": "app"},
        path="./deploy",
        targetNamespace=world.namespace,
    )

    obj = await world.ready(OCI_REPOSITORY, "app")

    artifact, revision = obj["status"]["artifact"], f"latest@{pushed.digest}"
    assert artifact["revision"] == revision
    assert artifact["path"] == f"ocirepository/{world.namespace}/app/{pushed.digest}.tar.gz"
    assert artifact["metadata"] == origin
    assert content(obj) == {"deploy/a.yaml": CONFIG_MAP.format(1)}
    assert obj["status"]["url"].endswith(f"ocirepository/{world.namespace}/app/latest.tar.gz")
    stored = f"stored artifact for digest '{revision}'"
    assert {(c["type"], c["status"], c["reason"], c["message"]) for c in obj["status"]["conditions"]} == {
        ("Ready", "True", "Succeeded", stored),
        ("ArtifactInStorage", "True", "Succeeded", stored),
    }
    event = await told(world, "app", "NewArtifact")
    assert event["message"] == (
        f"stored artifact with revision '{revision}' from '{server.url()}', "
        "origin source 'https://git.example.com/app', origin revision 'main@sha1:1'"
    )
    await world.ready(KUSTOMIZATION, "web", revision=revision)
    assert (await world.find("v1", "ConfigMap", "from-oci") or {})["data"] == {"version": "1"}

    newer = await push(server, "latest", {"deploy/a.yaml": CONFIG_MAP.format(2)})
    await handled(world)
    await world.ready(KUSTOMIZATION, "web", revision=f"latest@{newer.digest}")
    assert (await world.find("v1", "ConfigMap", "from-oci") or {})["data"] == {"version": "2"}


async def test_nothing_new_costs_one_request(world: World, server: FakeRegistry) -> None:
    await push(server, "latest", {"a": "1"})
    await world.oci_repository(url=server.url())
    before = await world.ready(OCI_REPOSITORY, "app")
    pulls = server.seen("GET", "/blobs/")

    after = await handled(world)

    assert server.seen("GET", "/blobs/") == pulls
    assert after["status"]["artifact"] == before["status"]["artifact"]
    assert after["status"]["conditions"] == before["status"]["conditions"]
    assert server.calls[-1].method == "HEAD"
    await told(world, "app", "ArtifactUpToDate")


async def test_every_kind_of_reference(world: World, server: FakeRegistry) -> None:
    digests = {}
    for tag in ("latest", "1.0.0", "1.1.0", "1.2.0-rc.1", "2.0.0-arm"):
        digests[tag] = (await push(server, tag, {"a": tag})).digest
    for name, ref, tag in (
        ("default", {}, "latest"),
        ("tag", {"tag": "1.0.0"}, "1.0.0"),
        ("semver", {"tag": "1.0.0", "semver": ">=1.0.0"}, "1.1.0"),
        ("pre", {"semver": ">=1.0.0-0", "semverFilter": "rc"}, "1.2.0-rc.1"),
        ("digest", {"semver": ">=1", "digest": digests["1.0.0"]}, ""),
    ):
        await world.oci_repository(name, url=server.url(), ref=ref)
        digest = digests[tag or "1.0.0"]
        obj = await world.ready(OCI_REPOSITORY, name, revision=f"{tag}@{digest}" if tag else digest)
        assert content(obj)["a"] == (tag or "1.0.0")


async def test_layers_and_ignore_rules(world: World, server: FakeRegistry) -> None:
    other = archive({"b": "2"})
    async with server.client() as registry:
        await push_artifact(
            registry, "latest", [(archive({"a": "1", "x/c": "3"}), LAYER), (other, "x/other")]
        )
    await world.oci_repository(url=server.url(), ignore="/x")
    assert content(await world.ready(OCI_REPOSITORY, "app")) == {"a": "1"}

    await world.change(OCI_REPOSITORY, "app", ignore=None, layerSelector={"mediaType": "x/other"})
    obj = await world.ready(OCI_REPOSITORY, "app")
    assert content(obj) == {"b": "2"}
    assert obj["status"]["observedLayerSelector"] == {"mediaType": "x/other", "operation": "extract"}
    assert "observedIgnore" not in obj["status"]

    await world.change(OCI_REPOSITORY, "app", layerSelector={"mediaType": "x/other", "operation": "copy"})
    obj = await world.ready(OCI_REPOSITORY, "app")
    with urllib.request.urlopen(obj["status"]["url"], timeout=5) as answer:
        assert answer.read() == other


async def test_a_deleted_object_leaves_nothing(world: World, server: FakeRegistry) -> None:
    await push(server, "latest", {"a": "1"})
    await world.oci_repository(url=server.url())
    obj = await world.ready(OCI_REPOSITORY, "app")
    await world.client.delete(OCI_REPOSITORY, world.namespace, "app")
    await world.gone(OCI_REPOSITORY.api_version, OCI_REPOSITORY.kind, "app")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(obj["status"]["artifact"]["url"], timeout=5)
