"""What the tests of OCIRepository say often."""

from __future__ import annotations

import base64
import io
import json
import tarfile
from collections.abc import Mapping

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from shared.model.kinds import OCI_REPOSITORY
from shared.model.meta import Object
from shared.oci.manifest import MANIFEST, Descriptor
from shared.oci.push import EMPTY_CONFIG, push_artifact, push_blob, push_manifest, render
from shared.oci.registry import Registry
from tests.e2e.world import World, condition
from tests.fakes.registry import FakeRegistry

LAYER = "application/vnd.cncf.flux.content.v1.tar+gzip"


def archive(files: Mapping[str, str]) -> bytes:
    """A tar.gz as the flux command makes it."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


async def push(
    server: FakeRegistry, tag: str, files: Mapping[str, str], annotations: Mapping[str, str] | None = None
) -> Descriptor:
    async with server.client() as registry:
        return await push_artifact(registry, tag, [(archive(files), LAYER)], annotations=annotations)


def key_pair() -> tuple[ec.EllipticCurvePrivateKey, str]:
    private = ec.generate_private_key(ec.SECP256R1())
    public = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return private, public.decode()


def simple_payload(digest: str) -> bytes:
    critical = {
        "identity": {"docker-reference": "x"},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


async def sign(registry: Registry, digest: str, key: ec.EllipticCurvePrivateKey, names: str = "") -> None:
    """As cosign 2 does, with a key pair; `names` is the digest that the signature speaks of."""
    payload = simple_payload(names or digest)
    signature = base64.b64encode(key.sign(payload, ec.ECDSA(hashes.SHA256()))).decode()
    await sign_with(registry, digest, payload, {"dev.cosignproject.cosign/signature": signature})


async def sign_with(registry: Registry, digest: str, payload: bytes, annotations: Mapping[str, str]) -> None:
    """Lay a signature beside the manifest, as cosign 2 does."""
    blob = await push_blob(registry, payload, "application/vnd.dev.cosign.simplesigning.v1+json")
    await push_blob(registry, b"{}", EMPTY_CONFIG.media_type)
    layer = render(blob) | {"annotations": dict(annotations)}
    document = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": render(EMPTY_CONFIG),
        "layers": [layer],
    }
    await push_manifest(registry, digest.replace(":", "-") + ".sig", document)


async def handled(world: World, name: str = "app") -> Object:
    """Ask for a reconcile and wait until it is over."""
    token = await world.request(OCI_REPOSITORY, name)

    def over(obj: Object) -> bool:
        return obj["status"].get("lastHandledReconcileAt") == token and not condition(obj, "Reconciling")

    return await world.until(OCI_REPOSITORY, name, over)
