import base64
import copy
import json

import pytest

from shared.logic.manifest import EncryptedSecret, UnusableManifest, normalise, prepare
from shared.logic.owner import GROUP, Owner
from shared.model.meta import Object

OWNER = Owner("flux-system", "apps")


def obj(kind: str, api: str = "v1", **more: object) -> Object:
    return {"apiVersion": api, "kind": kind, "metadata": {"name": "x", "namespace": "n"}, **more}


def pods(containers: list[Object]) -> Object:
    return {"template": {"spec": {"containers": containers}}}


NORMALISED = {
    "a service port": (
        obj("Service", spec={"ports": [{"port": 1}, {"port": 2, "protocol": "UDP"}]}),
        obj("Service", spec={"ports": [{"port": 1, "protocol": "TCP"}, {"port": 2, "protocol": "UDP"}]}),
    ),
    "a container port": (
        obj("Deployment", "apps/v1", spec=pods([{"name": "c", "ports": [{"containerPort": 1}]}])),
        obj(
            "Deployment",
            "apps/v1",
            spec=pods([{"name": "c", "ports": [{"containerPort": 1, "protocol": "TCP"}]}]),
        ),
    ),
    "a port of a foreign kind": (
        obj("Service", "serving.knative.dev/v1", spec={"ports": [{"port": 1}]}),
        obj("Service", "serving.knative.dev/v1", spec={"ports": [{"port": 1}]}),
    ),
    "plain data of a Secret": (
        obj("Secret", stringData={"a": "ä", "b": "2"}, data={"b": "old", "c": "Mw=="}),
        obj("Secret", data={"a": "w6Q=", "b": "Mg==", "c": "Mw=="}),
    ),
    "status": (obj("Pod", status={"phase": "Running"}), obj("Pod")),
    "a service without a spec": (obj("Service", spec=None), obj("Service", spec=None)),
}


@pytest.mark.parametrize(("before", "after"), NORMALISED.values(), ids=NORMALISED)
def test_normalises(before: Object, after: Object) -> None:
    given = copy.deepcopy(before)
    assert normalise(before) == after
    assert before == given
    assert normalise(after) == after


def test_the_status_of_a_definition_stays() -> None:
    crd = obj("CustomResourceDefinition", "apiextensions.k8s.io/v1", status={"storedVersions": ["v1"]})
    assert normalise(crd) == crd


def test_roles_are_left_as_they_are() -> None:
    role = obj("Role", "rbac.authorization.k8s.io/v1", status={})
    assert normalise(role) is role


def test_the_creation_time_of_an_export_is_dropped() -> None:
    exported = obj("ConfigMap")
    exported["metadata"]["creationTimestamp"] = None
    assert "creationTimestamp" not in normalise(exported)["metadata"]


@pytest.mark.parametrize("spec", [{"ports": [1]}, {"ports": ["a"]}, ["ports"]], ids=str)
def test_names_the_object_that_cannot_be_normalised(spec: object) -> None:
    with pytest.raises(UnusableManifest, match=r"^Service/n/x normalization error: "):
        normalise(obj("Service", spec=spec))


def test_a_number_in_string_data_is_refused() -> None:
    with pytest.raises(UnusableManifest, match=r"^Secret/n/x normalization error: stringData\.a"):
        normalise(obj("Secret", stringData={"a": 1}))


def meta(**metadata: object) -> Object:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}


UNNAMED = {
    "no kind": ({"apiVersion": "v1", "metadata": {"name": "x"}}, "x has no usable kind"),
    "no name": (meta(namespace="n"), "ConfigMap has no usable metadata.name"),
    "no metadata": ({"apiVersion": "v1", "kind": "ConfigMap"}, "ConfigMap has no usable metadata.name"),
    "metadata of another type": (
        {"apiVersion": "v1", "kind": "A", "metadata": [1]},
        "A has no usable metadata.name",
    ),
    "a number for a name": (meta(name=1), "ConfigMap/1 has no usable metadata.name"),
    "a number for a namespace": (meta(name="x", namespace=1), "ConfigMap/x has no usable metadata.namespace"),
    "labels that are a list": (meta(name="x", labels=["a"]), "ConfigMap/x metadata.labels must be"),
    "a number in an annotation": (
        meta(name="x", annotations={"a": 1}),
        "ConfigMap/x metadata.annotations must be",
    ),
}


@pytest.mark.parametrize(("manifest", "message"), UNNAMED.values(), ids=UNNAMED)
def test_an_object_must_say_what_it_is(manifest: Object, message: str) -> None:
    with pytest.raises(UnusableManifest) as refused:
        prepare([manifest], OWNER)
    assert str(refused.value).startswith(message)


def test_what_the_inventory_could_not_give_back_never_gets_there() -> None:
    with pytest.raises(UnusableManifest, match=r"^ConfigMap/a_b cannot be recorded in the inventory"):
        prepare([meta(name="a_b")], OWNER)
    with pytest.raises(
        UnusableManifest, match=r"^ConfigMap/x+\.\.\.: its name is longer than 1024 char"
    ) as long:
        prepare([meta(name="x" * 2**20)], OWNER)
    assert len(str(long.value)) < 200
    assert prepare([meta(name="x", namespace=None)], OWNER)


def test_a_null_among_labels_is_an_empty_one() -> None:
    [ready] = prepare([meta(name="x", labels={"a": None})], OWNER)
    assert ready["metadata"]["labels"] == {"a": "", **OWNER.labels}


def test_an_object_may_be_there_once() -> None:
    ingress = [obj("Ingress", f"networking.k8s.io/{version}") for version in ("v1", "v1beta1")]
    with pytest.raises(UnusableManifest, match=r"^Ingress/n/x is there more than once$"):
        prepare([*ingress, obj("ConfigMap")], OWNER)
    assert len(prepare([ingress[0], obj("Ingress", "extensions/v1beta1")], OWNER)) == 2


UNWRITABLE = {
    "a number over 64 bits": 2**64,
    "half a surrogate pair": "\ud800",
    "a deep nest": json.loads("[" * 500 + "]" * 500),
}


@pytest.mark.parametrize("value", UNWRITABLE.values(), ids=UNWRITABLE)
def test_what_json_cannot_hold_is_refused_by_name(value: object) -> None:
    with pytest.raises(UnusableManifest, match=r"^ConfigMap/n/x cannot be written as JSON: "):
        prepare([obj("ConfigMap", data={"a": value})], OWNER)


BUNDLES = {
    "a certificate": (base64.b64encode(b"-----BEGIN CERTIFICATE-----\n").decode(), True),
    "a newline": ("Cg==", False),
    "no base64": ("???", False),
}


@pytest.mark.parametrize(("bundle", "stays"), BUNDLES.values(), ids=BUNDLES)
def test_placeholders_for_a_bundle_are_dropped(bundle: str, stays: bool) -> None:
    client = {"caBundle": bundle, "url": "https://x"}
    spec = {"conversion": {"strategy": "Webhook", "webhook": {"clientConfig": client}}}
    crd = normalise(obj("CustomResourceDefinition", "apiextensions.k8s.io/v1", spec=spec))
    assert ("caBundle" in crd["spec"]["conversion"]["webhook"]["clientConfig"]) is stays
    assert crd["spec"]["conversion"]["webhook"]["clientConfig"]["url"] == "https://x"


def test_common_metadata_wins_over_the_manifest_but_not_over_the_owner() -> None:
    manifest = obj("ConfigMap")
    manifest["metadata"]["labels"] = {"team": "one", "app": "x"}
    [ready] = prepare(
        [manifest], OWNER, labels={"team": "two", f"{GROUP}/name": "thief"}, annotations={"a": "b"}
    )
    assert ready["metadata"]["labels"] == {"team": "two", "app": "x", **OWNER.labels}
    assert ready["metadata"]["annotations"] == {"a": "b"}


def test_an_encrypted_secret_stops_everything() -> None:
    secret = obj("Secret", sops={"mac": "ENC[...]"})
    with pytest.raises(EncryptedSecret, match=r"^Secret/n/x is SOPS encrypted, configuring decryption"):
        prepare([obj("ConfigMap"), secret], OWNER)
    secret["metadata"]["annotations"] = {f"{GROUP}/decrypt": "Disabled"}
    assert len(prepare([secret], OWNER)) == 1
    assert len(prepare([obj("Secret", "vault.example/v1", sops={})], OWNER)) == 1
