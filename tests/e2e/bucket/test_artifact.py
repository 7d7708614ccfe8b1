"""What a Bucket publishes, when, and for whom."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from typing import Any

import pytest

from shared.model.kinds import BUCKET, KUSTOMIZATION
from shared.model.meta import Object
from tests.e2e.git_repository.words import content, make_secret, told
from tests.e2e.world import World, condition
from tests.fakes.object_store import MotoServer
from tests.fakes.tls import Authority

pytestmark = pytest.mark.e2e

CONFIG_MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: from-bucket\ndata:\n  version: '{}'\n"
KEYS = {"secretRef": {"name": "keys"}}


def spec(moto: MotoServer, bucket: str, **more: Any) -> dict[str, Any]:
    return {"bucketName": bucket, "endpoint": moto.endpoint, **KEYS, **more}


def revision_of(files: dict[str, str]) -> str:
    """As Flux computes it: the digest of sorted keys and etags, which for S3 are MD5 sums."""
    lines = (
        f"{key} {hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()}\n"
        for key, text in sorted(files.items())
    )
    return f"sha256:{hashlib.sha256(''.join(lines).encode()).hexdigest()}"


async def handled(world: World, name: str = "objects") -> Object:
    token = await world.request(BUCKET, name)

    def over(obj: Object) -> bool:
        return obj["status"].get("lastHandledReconcileAt") == token and not condition(obj, "Reconciling")

    return await world.until(BUCKET, name, over)


async def test_from_a_bucket_to_the_cluster(world: World, moto: MotoServer) -> None:
    files = {"deploy/a.yaml": CONFIG_MAP.format(1)}
    bucket = moto.bucket(files | {"empty/": ""})
    await world.bucket(**spec(moto, bucket))
    await world.kustomization(
        sourceRef={"kind": "Bucket", "name": "objects"}, path="./deploy", targetNamespace=world.namespace
    )

    obj = await world.ready(BUCKET, "objects")

    artifact, revision = obj["status"]["artifact"], revision_of(files)
    assert artifact["revision"] == revision
    assert artifact["path"] == f"bucket/{world.namespace}/objects/{revision.removeprefix('sha256:')}.tar.gz"
    assert content(obj) == files
    assert obj["status"]["url"].endswith(f"bucket/{world.namespace}/objects/latest.tar.gz")
    stored = f"stored artifact: revision '{revision}'"
    assert {(c["type"], c["status"], c["reason"], c["message"]) for c in obj["status"]["conditions"]} == {
        ("Ready", "True", "Succeeded", stored),
        ("ArtifactInStorage", "True", "Succeeded", stored),
    }
    event = await told(world, "objects", "NewArtifact")
    assert event["message"] == f"stored artifact with 1 fetched files from '{bucket}' bucket"
    await world.ready(KUSTOMIZATION, "web", revision=revision)
    assert (await world.find("v1", "ConfigMap", "from-bucket") or {})["data"] == {"version": "1"}

    newer = {"deploy/a.yaml": CONFIG_MAP.format(2)}
    moto.put(bucket, newer)
    await handled(world)
    await world.ready(KUSTOMIZATION, "web", revision=revision_of(newer))
    assert (await world.find("v1", "ConfigMap", "from-bucket") or {})["data"] == {"version": "2"}


async def test_nothing_new_costs_one_listing(world: World, moto: MotoServer) -> None:
    bucket = moto.bucket({f"{n}.yaml": str(n) for n in range(50)})
    await world.bucket(**spec(moto, bucket))
    before = await world.ready(BUCKET, "objects")
    asked = len(moto.asked(bucket))

    after = await handled(world)

    (only,) = moto.asked(bucket)[asked:]
    assert only.startswith((f"GET /{bucket}/?", f"GET /{bucket}?"))
    assert "list-type=2" in only
    assert after["status"]["artifact"] == before["status"]["artifact"]
    assert after["status"]["conditions"] == before["status"]["conditions"]
    await told(world, "objects", "ArtifactUpToDate")


async def test_prefix_and_ignore_rules(world: World, moto: MotoServer) -> None:
    bucket = moto.bucket(
        {".sourceignore": "*.md\n", "app/a.yaml": "1", "app/README.md": "2", "app/x/c.yaml": "3", "b": "4"}
    )
    await world.bucket("all", **spec(moto, bucket, ignore="/app/x"))
    await world.bucket("part", **spec(moto, bucket, prefix="app/"))

    whole, part = await world.ready(BUCKET, "all"), await world.ready(BUCKET, "part")

    assert content(whole) == {".sourceignore": "*.md\n", "app/a.yaml": "1", "b": "4"}
    assert whole["status"]["observedIgnore"] == "/app/x"
    assert whole["status"]["artifact"]["revision"] == revision_of({"app/a.yaml": "1", "b": "4"})
    assert content(part) == {".sourceignore": "*.md\n", "app/a.yaml": "1", "app/x/c.yaml": "3"}

    await world.change(BUCKET, "all", ignore=None)
    again = await world.ready(BUCKET, "all")
    assert "app/x/c.yaml" in content(again)
    assert "observedIgnore" not in again["status"]


async def test_odd_keys_stay_below_the_root(world: World, moto: MotoServer) -> None:
    odd = {
        "../../up.yaml": "1",
        "/abs": "2",
        "a//b": "3",
        "./c": "4",
        "d/../e é+%": "5",
        "A": "6",
        "a.x": "7",
    }
    await world.bucket(**spec(moto, moto.bucket(odd)))
    obj = await world.ready(BUCKET, "objects")
    assert obj["status"]["artifact"]["revision"] == revision_of(odd)
    assert content(obj) == {
        "up.yaml": "1", "abs": "2", "a/b": "3", "c": "4", "e é+%": "5", "A": "6", "a.x": "7",
    }  # fmt: skip


async def test_over_tls_only_with_an_authority(
    world: World, secure_moto: tuple[MotoServer, Authority]
) -> None:
    moto, authority = secure_moto
    bucket = moto.bucket({"a": "1"})
    await world.bucket("untrusted", **spec(moto, bucket, insecure=False))
    await make_secret(world, "authority", ca__crt=authority.pem)
    await world.bucket(**spec(moto, bucket, insecure=False, certSecretRef={"name": "authority"}))

    assert content(await world.ready(BUCKET, "objects")) == {"a": "1"}
    refused = await world.failing(BUCKET, "untrusted", "BucketOperationFailed")
    assert "certificate refused" in condition(refused, "FetchFailed")["message"]


async def test_a_deleted_object_leaves_nothing(world: World, moto: MotoServer) -> None:
    await world.bucket(**spec(moto, moto.bucket({"a": "1"})))
    obj = await world.ready(BUCKET, "objects")
    await world.client.delete(BUCKET, world.namespace, "objects")
    await world.gone(BUCKET.api_version, BUCKET.kind, "objects")
    with pytest.raises(urllib.error.HTTPError):
        urllib.request.urlopen(obj["status"]["artifact"]["url"], timeout=5)
