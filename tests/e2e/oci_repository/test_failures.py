"""What cannot be published says why, never shows a secret, and recovers."""

from __future__ import annotations

import base64
import json

import pytest

from shared.model.kinds import OCI_REPOSITORY, SECRET, SERVICE_ACCOUNT
from shared.oci.push import push_artifact
from tests.e2e.git_repository.words import content, make_secret, told
from tests.e2e.oci_repository.words import LAYER, archive, handled, key_pair, push, sign
from tests.e2e.world import World, condition
from tests.fakes.registry import FakeRegistry, digest_of
from tests.fakes.sigstore import BUNDLE, FakeSigstore

pytestmark = pytest.mark.e2e


async def pull_secret(world: World, name: str, server: FakeRegistry, password: str) -> None:
    raw = json.dumps({"auths": {server.host: {"username": "ada", "password": password}}})
    data = {".dockerconfigjson": base64.b64encode(raw.encode()).decode()}
    metadata = {"name": name, "namespace": world.namespace}
    kind = "kubernetes.io/dockerconfigjson"
    obj = {"apiVersion": "v1", "kind": "Secret", "metadata": metadata, "type": kind, "data": data}
    await world.client.create(SECRET, obj)


async def test_failures_say_what_is_wrong(world: World, server: FakeRegistry) -> None:
    await push(server, "latest", {"a": "1"})
    async with server.client() as registry:
        await push_artifact(registry, "empty", [])
        await push_artifact(registry, "zstd", [(b"\x28\xb5\x2f\xfd" + b"x" * 100, LAYER)])
        await push_artifact(registry, "escape", [(archive({"../x": "1"}), LAYER)])
    for reference in ("html", digest_of(b"<html>")):
        server.manifests["team/app", reference] = b"<html>", "text/html"
    layer, pulling, reading = (
        "OCIArtifactLayerOperationFailed",
        "OCIArtifactPullFailed",
        "ReadOperationFailed",
    )
    secret = f"'{world.namespace}/gone' not found"
    for name, spec, reason, words in (
        ("no-tag", {"ref": {"tag": "gone"}}, pulling, "404 MANIFEST_UNKNOWN"),
        ("bad-tag", {"ref": {"tag": "../../x"}}, pulling, "invalid tag"),
        ("bad-digest", {"ref": {"digest": "sha256:1"}}, pulling, "invalid digest"),
        ("no-match", {"ref": {"semver": ">9"}}, reading, "no match found for semver: >9"),
        ("bad-range", {"ref": {"semver": "newest"}}, reading, "improper constraint: newest"),
        ("bad-filter", {"ref": {"semver": "*", "semverFilter": "("}}, reading, "invalid regular expression"),
        ("no-layer", {"ref": {"tag": "empty"}}, layer, "no layers found in artifact"),
        ("no-type", {"layerSelector": {"mediaType": "x/y"}}, layer, "media type 'x/y'"),
        ("zstd", {"ref": {"tag": "zstd"}}, layer, "not valid gzip"),
        ("escape", {"ref": {"tag": "escape"}}, layer, "illegal name"),
        ("html", {"ref": {"tag": "html"}}, layer, "manifest is not JSON"),
        ("no-host", {"url": "oci://127.0.0.1:1/x"}, pulling, "127.0.0.1:1: "),
        ("no-secret", {"secretRef": {"name": "gone"}}, "AuthenticationFailed", secret),
        ("no-account", {"serviceAccountName": "gone"}, "AuthenticationFailed", secret),
        ("no-cert", {"certSecretRef": {"name": "gone"}}, "AuthenticationFailed", secret),
        ("no-proxy", {"proxySecretRef": {"name": "gone"}}, "AuthenticationFailed", secret),
        ("cloud", {"provider": "aws"}, "AuthenticationFailed", "is not one of AWS"),
    ):
        await world.oci_repository(name, **({"url": server.url()} | spec))
        obj = await world.failing(OCI_REPOSITORY, name, reason)
        failed = condition(obj, "FetchFailed")
        assert (failed["status"], failed["reason"]) == ("True", reason)
        assert words in failed["message"]
        assert condition(obj, "Reconciling")["reason"] == "ProgressingWithRetry"
        assert "artifact" not in obj["status"]
    assert (await told(world, "escape", layer))["type"] == "Warning"


async def test_what_only_a_new_spec_can_help_stalls(world: World, server: FakeRegistry) -> None:
    await world.oci_repository("tagged", url=f"{server.url()}:v1")
    obj = await world.failing(OCI_REPOSITORY, "tagged", "URLInvalid")
    assert condition(obj, "Stalled")["reason"] == condition(obj, "FetchFailed")["reason"] == "URLInvalid"

    metadata = {"name": "cloud", "namespace": world.namespace}
    await world.client.create(
        SERVICE_ACCOUNT, {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": metadata}
    )
    await world.oci_repository("gated", url=server.url(), provider="aws", serviceAccountName="cloud")
    obj = await world.failing(OCI_REPOSITORY, "gated", "FeatureGateDisabled")
    assert condition(obj, "Stalled")
    assert not condition(obj, "FetchFailed")


async def test_credentials(world: World, server: FakeRegistry) -> None:
    await push(server, "latest", {"a": "1"})
    server.username, server.password, server.bearer = "ada", "s3cr3t", True
    await pull_secret(world, "wrong", server, "wr0ng")
    await pull_secret(world, "right", server, "s3cr3t")
    await world.client.create(
        SERVICE_ACCOUNT,
        {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "puller", "namespace": world.namespace},
            "imagePullSecrets": [{"name": "right"}],
        },
    )
    await world.oci_repository(url=server.url(), secretRef={"name": "wrong"})
    obj = await world.failing(OCI_REPOSITORY, "app", "OCIArtifactPullFailed")
    assert "answered 401" in condition(obj, "Ready")["message"]
    assert "wr0ng" not in str(obj)

    await world.change(OCI_REPOSITORY, "app", secretRef={"name": "right"})
    obj = await world.ready(OCI_REPOSITORY, "app")
    assert not condition(obj, "FetchFailed")
    # Static credentials win over a provider, whatever that is.
    await world.oci_repository("account", url=server.url(), serviceAccountName="puller", provider="gcp")
    await world.ready(OCI_REPOSITORY, "account")


async def test_wrong_bytes_are_never_published(world: World, server: FakeRegistry) -> None:
    await push(server, "latest", {"a": "1"})
    server.mangle = lambda raw: raw if raw.startswith(b"{") else b"X" + raw[1:]
    await world.oci_repository(url=server.url())
    obj = await world.failing(OCI_REPOSITORY, "app", "OCIArtifactLayerOperationFailed")
    assert "has another digest" in condition(obj, "FetchFailed")["message"]

    server.mangle = None
    assert content(await world.ready(OCI_REPOSITORY, "app")) == {"a": "1"}


async def test_too_many_requests_are_waited_out(world: World, server: FakeRegistry) -> None:
    await push(server, "latest", {"a": "1"})
    server.busy = ["0", "11", "0"]
    await world.oci_repository(url=server.url())
    obj = await world.failing(OCI_REPOSITORY, "app", "OCIArtifactPullFailed")
    assert "429" in condition(obj, "FetchFailed")["message"]
    seen = len(server.calls)
    await handled(world)
    await world.ready(OCI_REPOSITORY, "app")
    assert len(server.calls) > seen


async def test_only_what_is_signed_is_published(world: World, server: FakeRegistry) -> None:
    key, public = key_pair()
    other, _ = key_pair()
    await make_secret(world, "keys", cosign__pub=public)
    await make_secret(world, "broken", cosign__pub="no key")
    await make_secret(world, "root", trusted_root__json=FakeSigstore().trusted_root.decode())
    pushed = await push(server, "latest", {"a": "1"})
    digest, verify = pushed.digest, {"provider": "cosign", "secretRef": {"name": "keys"}}
    await world.oci_repository(url=server.url(), verify=verify)
    prefix = "failed to verify the signature using provider 'cosign"

    async def refused(words: str) -> None:
        obj = await world.failing(OCI_REPOSITORY, "app", "VerificationError")
        verdict = condition(obj, "SourceVerified")
        assert (verdict["status"], "artifact" in obj["status"]) == ("False", False)
        assert verdict["message"].startswith(prefix)
        assert words in verdict["message"]

    await refused("no signatures found")
    async with server.client() as registry:
        for signer, names in ((other, digest), (key, "sha256:" + "0" * 64)):
            await sign(registry, digest, signer, names)
            await handled_failure(world)
            await refused("none of 1 signatures is by one of the keys")
        await sign(registry, digest, key)
    await world.change(OCI_REPOSITORY, "app", verify=verify | {"secretRef": {"name": "broken"}})
    await handled_failure(world)
    await refused("public key 'cosign.pub' cannot be read")
    keyless = {"provider": "cosign", "secretRef": None, "trustedRootSecretRef": {"name": "root"}}
    await world.change(OCI_REPOSITORY, "app", verify=keyless)
    await handled_failure(world)
    await refused("a signature was made with a key")
    assert server.seen("GET", pushed.digest.removeprefix("sha256:") + ".tar.gz") == 0

    await world.change(OCI_REPOSITORY, "app", verify=verify)
    obj = await world.ready(OCI_REPOSITORY, "app")
    verdict = condition(obj, "SourceVerified")
    assert (verdict["status"], verdict["reason"]) == ("True", "Succeeded")
    assert verdict["message"] == f"verified signature of revision latest@{digest}"
    assert content(obj) == {"a": "1"}

    await push(server, "latest", {"a": "2"})
    await handled_failure(world)
    obj = await world.failing(OCI_REPOSITORY, "app", "VerificationError")
    assert content(obj) == {"a": "1"}


async def test_only_what_the_right_identity_signed_is_published(world: World, server: FakeRegistry) -> None:
    sigstore = FakeSigstore()
    await make_secret(world, "root", trusted_root__json=sigstore.trusted_root.decode())
    pushed = await push(server, "latest", {"a": "1"})
    async with server.client() as registry:
        content_ = json.dumps(sigstore.bundle(pushed.digest)).encode()
        await push_artifact(registry, "", [(content_, BUNDLE)], subject=pushed, artifact_type=BUNDLE)
    verify = {"provider": "cosign", "trustedRootSecretRef": {"name": "root"}}
    wrong = [{"issuer": "^https://accounts\\.example$", "subject": ".*"}]
    await world.oci_repository(url=server.url(), verify=verify | {"matchOIDCIdentity": wrong})
    obj = await world.failing(OCI_REPOSITORY, "app", "VerificationError")
    assert "artifact" not in obj["status"]
    assert "none of the expected identities signed" in condition(obj, "SourceVerified")["message"]

    right = [{"issuer": "^https://token\\.actions\\.example$", "subject": "/org/app/"}]
    await world.change(OCI_REPOSITORY, "app", verify={"matchOIDCIdentity": right})
    obj = await world.ready(OCI_REPOSITORY, "app")
    assert (
        condition(obj, "SourceVerified")["message"]
        == f"verified signature of revision latest@{pushed.digest}"
    )
    assert content(obj) == {"a": "1"}


async def handled_failure(world: World) -> None:
    """Ask for a reconcile and wait until it was tried."""
    token = await world.request(OCI_REPOSITORY, "app")
    await world.until(OCI_REPOSITORY, "app", lambda obj: obj["status"].get("lastHandledReconcileAt") == token)
