"""Which files and objects of a build are decrypted, and what stays as it is."""

import base64
import json
from pathlib import Path
from typing import Any

import aiohttp
import pyrage
import pytest

from controllers.kustomize.sops.data_key import DataKeys
from controllers.kustomize.sops.decrypt import Decryptor, is_encrypted
from controllers.kustomize.sops.errors import DocumentInvalid, MacMismatch, SopsError, ValueTampered
from controllers.kustomize.sops.keyring import Keyring
from shared.kustomize.filesystem import DirectoryTree, MemoryTree
from shared.logic.go_yaml import read_document
from tests.fakes.sops_writer import Sealer, sealed_json

GOLDEN = Path(__file__).parents[4] / "golden" / "sops"
ME = pyrage.x25519.Identity.generate()
OPT_OUT = {"kustomize.toolkit.fluxcd.io/decrypt": "Disabled"}


@pytest.fixture
async def decryptor() -> Any:
    async with aiohttp.ClientSession() as http:
        golden = pyrage.x25519.Identity.from_str(
            (GOLDEN / "keys" / "age.agekey").read_text().strip().splitlines()[-1]
        )
        yield Decryptor(DataKeys(Keyring(age=(ME, golden)), http))


def golden(name: str) -> bytes:
    return (GOLDEN / "encrypted" / name).read_bytes()


def secret(data: dict[str, bytes], **metadata: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "app", "namespace": "web", **metadata},
        "data": {key: base64.b64encode(value).decode() for key, value in data.items()},
    }


async def test_a_whole_object_is_decrypted_even_with_metadata_that_the_build_added(decryptor: Any) -> None:
    obj = read_document(golden("secret.yaml"))
    obj["metadata"]["labels"] = {"added": "by kustomize"}
    before = json.dumps(obj)
    plain = await decryptor.resource(obj)
    assert plain["stringData"]["password"] == "s3cr3t"
    assert plain["metadata"] == {"name": "app", "labels": {"added": "by kustomize"}}
    assert "sops" not in plain
    assert json.dumps(obj) == before


async def test_any_kind_may_be_encrypted_and_keeps_its_types(decryptor: Any) -> None:
    sealer = Sealer(ME.to_public(), rule={"encrypted_regex": "^spec$"})
    obj = {
        "apiVersion": "example.com/v1",
        "kind": "Database",
        "metadata": {"name": "db"},
        "spec": {
            "port": sealer.seal(5432, "spec", "port"),
            "on": [sealer.seal(True, "spec", "on")],
            "no": None,
        },
    }
    plain = await decryptor.resource({**obj, "sops": sealer.metadata()})
    assert plain == {**obj, "spec": {"port": 5432, "on": [True], "no": None}}


@pytest.mark.parametrize(
    ("key", "name", "form"),
    [
        ("config.yaml", "types.yaml", "types.yaml"),
        (".env", "app.env", "app.env"),
        ("app.ini", "app.ini", "app.ini"),
        (".dockerconfigjson", "app.json", "app.json"),
        ("anything", "text.txt", "text.txt"),
        ("keystore.jks", "random.bin", "random.bin"),
    ],
)
async def test_documents_in_a_secrets_data_are_decrypted(
    decryptor: Any, key: str, name: str, form: str
) -> None:
    plain = await decryptor.resource(secret({key: golden(name), "other": b"as it is"}))
    assert base64.b64decode(plain["data"][key]) == (GOLDEN / "plain" / form).read_bytes()
    assert base64.b64decode(plain["data"]["other"]) == b"as it is"


@pytest.mark.parametrize(
    "obj",
    [
        pytest.param(secret({"a": b"plain"}), id="a plain Secret"),
        pytest.param(secret({"a": golden("text.txt")}, annotations=OPT_OUT), id="one that opted out"),
        pytest.param(
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x"}, "data": {"a": "mac: ENC["}},
            id="a ConfigMap",
        ),
        pytest.param({**secret({}), "sops": {"version": "3"}}, id="a sops block without a MAC"),
        pytest.param({**secret({}), "data": {"a": 5, "b": "not base64!", "c": None}}, id="odd values"),
        pytest.param({**secret({}), "data": None}, id="no data"),
    ],
)
async def test_other_objects_are_given_back_as_they_are(decryptor: Any, obj: dict[str, Any]) -> None:
    assert not is_encrypted(obj)
    assert await decryptor.resource(obj) is obj


async def test_an_opt_out_label_does_not_count() -> None:
    assert is_encrypted(secret({"a": golden("text.txt")}, labels=OPT_OUT))


async def test_errors_name_the_object_and_the_key(decryptor: Any) -> None:
    forged = json.loads(sealed_json(ME.to_public(), {"user": "admin", "host_unencrypted": "db"}))
    forged["host_unencrypted"] = "evil"
    with pytest.raises(MacMismatch, match=r"cannot decrypt Secret/web/app: data\['c\.json'\]: the MAC"):
        await decryptor.resource(secret({"c.json": json.dumps(forged, indent=1).encode()}))
    obj = read_document(golden("secret.yaml"))
    obj["stringData"]["url"] = obj["stringData"]["password"]
    with pytest.raises(ValueTampered, match=r"cannot decrypt Secret/app: the value at 'stringData\.url'"):
        await decryptor.resource(obj)


async def test_an_object_that_is_too_deep_is_refused(decryptor: Any) -> None:
    obj = read_document(golden("secret.yaml"))
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    with pytest.raises(DocumentInvalid, match="levels deep"):
        await decryptor.resource({**obj, "spec": deep})


BASE = """
resources: [../base, gone, https://example.com/x, deployment.yaml]
components: [../component]
secretGenerator:
- name: app
  files: [config.yaml, "renamed.env=data.txt", plain.txt]
  envs: [app.env]
patches:
- path: patch.yaml
- patch: "inline"
- path: missing.yaml
configMapGenerator:
- name: open
  files: [open.yaml]
"""
TREE: dict[str, bytes | str] = {
    "app/kustomization.yaml": BASE,
    "app/config.yaml": golden("types.yaml"),
    "app/data.txt": golden("app.env"),
    "app/plain.txt": b"not encrypted",
    "app/app.env": golden("app.env"),
    "app/patch.yaml": golden("secret.yaml"),
    "app/open.yaml": golden("types.yaml"),
    "app/deployment.yaml": golden("secret.yaml"),
    "base/kustomization.yml": "secretGenerator:\n- {name: b, files: [blob]}\nresources: [../app]\n",
    "base/blob": golden("text.txt"),
    "component/Kustomization": "kind: Component\nsecretGenerator:\n- {name: c, envs: [c.ini]}\n",
    "component/c.ini": golden("app.ini"),
    "elsewhere/kustomization.yaml": "secretGenerator:\n- {name: e, files: [x.yaml]}\n",
    "elsewhere/x.yaml": golden("types.yaml"),
}


async def test_inputs_of_secret_generators_and_patches_are_decrypted_across_bases(decryptor: Any) -> None:
    overlay = await decryptor.before_build(MemoryTree(TREE), "/app")
    assert {
        path: content == (GOLDEN / "plain" / name).read_bytes()
        for path, content, name in (
            ("/app/config.yaml", overlay.pop("/app/config.yaml"), "types.yaml"),
            ("/app/data.txt", overlay.pop("/app/data.txt"), "app.env"),
            ("/app/app.env", overlay.pop("/app/app.env"), "app.env"),
            ("/app/patch.yaml", overlay.pop("/app/patch.yaml"), "secret.yaml"),
            ("/base/blob", overlay.pop("/base/blob"), "text.txt"),
            ("/component/c.ini", overlay.pop("/component/c.ini"), "app.ini"),
        )
    } == dict.fromkeys(
        (
            "/app/config.yaml",
            "/app/data.txt",
            "/app/app.env",
            "/app/patch.yaml",
            "/base/blob",
            "/component/c.ini",
        ),
        True,
    )
    assert overlay == {}


async def test_components_that_the_spec_adds_are_searched_too(decryptor: Any) -> None:
    tree = MemoryTree(TREE | {"app/kustomization.yaml": "resources: []\n"})
    assert await decryptor.before_build(tree, "/app") == {}
    found = await decryptor.before_build(tree, "/app", ["../component", "../gone", "https://x/y"])
    assert list(found) == ["/component/c.ini"]


@pytest.mark.parametrize(
    ("files", "told"),
    [
        ({"x.yaml": b"x" * (5 * 2**20 + 1)}, r"app/x\.yaml: larger than 5242880 bytes"),
        ({"x.yaml": b"mac: ENC["}, r"cannot decrypt app/x\.yaml: .*sops block"),
        (
            {"x.yaml": golden("secret.yaml").replace(b"password: ENC[AES256_GCM", b"password: ENC[OTHER")},
            r"app/x\.yaml: the value",
        ),
        ({"x.yaml": golden("post-quantum.yaml")}, r"app/x\.yaml: cannot get the data key"),
    ],
)
async def test_a_file_that_cannot_be_decrypted_is_named(
    decryptor: Any, files: dict[str, bytes], told: str
) -> None:
    tree = {f"app/{name}": content for name, content in files.items()}
    tree["app/kustomization.yaml"] = b"secretGenerator: [{name: a, files: [x.yaml]}]\n"
    with pytest.raises(SopsError, match=told):
        await decryptor.before_build(MemoryTree(tree), "app")


@pytest.mark.parametrize(
    "kustomization",
    [b"{", b"[]", b"secretGenerator: 5", b"secretGenerator: [5, {files: 5, envs: [6]}]", b"patches: [{path: [x]}]",
     b"resources: ['../../..', 'a\\0b']", b"secretGenerator: [{files: ['', '=', 'a=', '..', '/']}]"],
)  # fmt: skip
async def test_an_odd_kustomization_is_left_to_the_build(decryptor: Any, kustomization: bytes) -> None:
    assert await decryptor.before_build(MemoryTree({"kustomization.yaml": kustomization}), "/") == {}


async def test_nothing_outside_of_the_root_is_read(decryptor: Any, tmp_path: Path) -> None:
    (tmp_path / "outside.yaml").write_bytes(golden("types.yaml"))
    root = tmp_path / "root"
    root.mkdir()
    (root / "link.yaml").symlink_to(tmp_path / "outside.yaml")
    (root / "real.yaml").write_bytes(golden("types.yaml"))
    (root / "alias.yaml").symlink_to("real.yaml")
    (root / "kustomization.yaml").write_text(
        "secretGenerator: [{name: a, files: [link.yaml, ../outside.yaml, alias.yaml]}]\nresources: ['..']\n"
    )
    assert list(await decryptor.before_build(DirectoryTree(str(root)), "/")) == ["/real.yaml"]
