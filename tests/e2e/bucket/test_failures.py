"""What goes wrong with a Bucket is said in one line, bounded, and without secrets."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from shared.model.kinds import BUCKET
from tests.e2e.bucket.test_artifact import spec
from tests.e2e.conftest import Controllers
from tests.e2e.git_repository.words import content, make_secret
from tests.e2e.world import World, condition
from tests.fakes.hostile_store import SECRET as CANARY
from tests.fakes.hostile_store import HostileStore, hostile_store
from tests.fakes.object_store import SECRET, MotoServer

pytestmark = pytest.mark.e2e


@pytest.fixture
async def hostile() -> AsyncIterator[HostileStore]:
    async with hostile_store() as running:
        yield running


@pytest.mark.parametrize(
    ("objects", "said"),
    [
        pytest.param(
            {"a": "1", "a/b": "2"}, "key 'a' would be a file and, for 'a/b', a directory", id="both"
        ),
        pytest.param({"a/b": "1", "a//b": "2"}, "would be one file", id="the same file twice"),
        pytest.param({"x" * 300: "1"}, "cannot be the name of a file", id="too long"),
        pytest.param({"..": "1"}, "key '..' cannot be the name of a file", id="nothing but dots"),
    ],
)
async def test_keys_that_cannot_be_files(
    world: World, moto: MotoServer, objects: dict[str, str], said: str
) -> None:
    await world.bucket(**spec(moto, moto.bucket(objects)))
    obj = await world.failing(BUCKET, "objects", "BucketOperationFailed")
    assert said in condition(obj, "Ready")["message"]
    assert "artifact" not in obj["status"]


async def test_a_bucket_that_is_not_there(world: World, moto: MotoServer) -> None:
    await world.bucket(**spec(moto, "nowhere"))
    obj = await world.failing(BUCKET, "objects", "BucketOperationFailed")
    assert condition(obj, "FetchFailed")["message"].startswith("bucket 'nowhere' not found: ")

    kept = moto.bucket({"a": "1"})
    await world.change(BUCKET, "objects", bucketName=kept)
    before = await world.ready(BUCKET, "objects")
    await world.change(BUCKET, "objects", bucketName="nowhere")
    obj = await world.failing(BUCKET, "objects", "BucketOperationFailed")
    assert obj["status"]["artifact"] == before["status"]["artifact"]


async def test_secrets_that_are_missing_or_incomplete(world: World, moto: MotoServer) -> None:
    await make_secret(world, "half", accesskey="x")
    for name in ("half", "none"):
        await world.bucket(name, **spec(moto, "any", secretRef={"name": name}))
    for name, said in (("half", "key 'secretkey' not found"), ("none", "not found")):
        obj = await world.failing(BUCKET, name, "AuthenticationFailed")
        assert said in condition(obj, "FetchFailed")["message"]


async def test_an_identity_needs_the_feature_gate(world: World) -> None:
    await world.bucket(bucketName="b", endpoint="s3.amazonaws.com", provider="aws", serviceAccountName="me")
    obj = await world.failing(BUCKET, "objects", "FeatureGateDisabled")
    assert condition(obj, "Stalled")["status"] == condition(obj, "FetchFailed")["status"] == "True"


HOSTILE = {
    "endless": "has more than 2000 pages",
    "circle": "answers the same page of its listing again and again",
    "garbage": "is not XML: is the endpoint an object store?",
    "entities": "has a document type",
    "huge-page": "is larger than 16777216 bytes",
    "denied": "answered 403: AccessDenied",
    "elsewhere": "answered 307",
    "too-large": "larger than 1073741824 bytes together",
    "slow": "timed out after 1s",
    "busy": "answered 429",
    "cut-off": "failed to fetch objects",
}


async def test_stores_that_mean_no_good(
    world: World, hostile: HostileStore, controllers: Controllers
) -> None:
    for bucket in HOSTILE:
        await world.bucket(
            bucket,
            bucketName=bucket,
            endpoint=hostile.endpoint,
            secretRef={"name": "keys"},
            timeout="1s" if bucket == "slow" else "20s",
        )
    for bucket, said in HOSTILE.items():
        obj = await world.failing(BUCKET, bucket, "BucketOperationFailed")
        message = condition(obj, "FetchFailed")["message"]
        assert said in message, bucket
        assert "\n" not in message
        assert len(message) < 500
        assert CANARY not in str(obj["status"])
    # Credentials went where they belong, and a redirect was not followed.
    assert not any("stolen" in path for path in hostile.asked)
    log = controllers.source.log.read_text()
    assert SECRET not in log
    assert CANARY not in log


async def test_what_vanishes_meanwhile_is_left_out(world: World, hostile: HostileStore) -> None:
    await world.bucket(bucketName="vanishing", endpoint=hostile.endpoint)
    obj = await world.ready(BUCKET, "objects")
    assert content(obj) == {"a.yaml": "1"}
    assert hostile.authorized == []
