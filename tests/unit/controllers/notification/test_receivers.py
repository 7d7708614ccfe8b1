"""Who may call a webhook; vectors of the vendors' documentation where there are any."""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
from typing import Any

import orjson
import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from controllers.notification.measures import Measures
from controllers.notification.receivers.filters import BadBody, passes, request_of
from controllers.notification.receivers.hook import Hook, Rejected
from controllers.notification.receivers.platforms import CHECKS
from controllers.notification.receivers.poke import CannotPoke, Poker, version_of
from controllers.notification.receivers.reconcile import check_filters, check_spec
from controllers.notification.receivers.server import Hooks
from controllers.notification.serve import MAX_BODY
from shared.kube.errors import NotFound
from shared.logic.cel import EvaluationFailed
from shared.model.kinds import RECEIVER, Resource
from shared.model.meta import REQUESTED_AT, ObjectKey
from shared.model.notification import SourceRef
from shared.model.receiver import Receiver, webhook_path
from shared.runtime.address import Address
from shared.runtime.failure import Stalled
from shared.runtime.metrics import Metrics
from shared.runtime.probes import serving
from tests.e2e.processes import free_port

# https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
GITHUB_SECRET, GITHUB_BODY = "It's a Secret to Everybody", b"Hello, World!"
GITHUB_SIGNATURE = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
# HMAC-SHA1 in hex: RFC 2202, test case 2.
NEXUS_SIGNATURE = "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
JSON = {"Content-Type": "application/json"}
BODY = b'{"a":1}'
SHA256 = "faee837978e44be8915ecfe70bee314b433634f9e039c865773280f437bc4d61"
SHA1 = "f1f439b0057e737fa367eb06612055006154a7f2"


def checked(
    kind: str, body: bytes = BODY, *, events: tuple[str, ...] = (), token: str = "token", **headers: str
) -> bytes:
    named = CIMultiDict({name.replace("_", "-"): value for name, value in headers.items()})
    return CHECKS[kind](Hook(named, body, events), {"token": token})


def test_the_vector_of_githubs_documentation() -> None:
    assert (
        checked("generic-hmac", GITHUB_BODY, token=GITHUB_SECRET, X_Signature=GITHUB_SIGNATURE) == GITHUB_BODY
    )
    with pytest.raises(Rejected, match="not JSON"):
        # The signature is right, but GitHub never sends such a body.
        checked(
            "github",
            GITHUB_BODY,
            token=GITHUB_SECRET,
            X_Hub_Signature_256=GITHUB_SIGNATURE,
            Content_Type="application/json",
        )


def test_the_vector_of_rfc_2202() -> None:
    with pytest.raises(Rejected, match="not JSON"):
        checked(
            "nexus", b"what do ya want for nothing?", token="Jefe", X_Nexus_Webhook_Signature=NEXUS_SIGNATURE
        )


FORM = b"payload=%7B%22a%22%3A1%7D"
GOOD: dict[str, tuple[str, bytes, tuple[str, ...], dict[str, str]]] = {
    "generic": ("generic", b"", (), {}),
    "sha256": ("generic-hmac", BODY, (), {"X_Signature": f"sha256={SHA256}"}),
    "sha1": ("generic-hmac", BODY, (), {"X_Signature": f"sha1={SHA1}"}),
    "github": ("github", BODY, (), {"X_Hub_Signature_256": f"sha256={SHA256}", "Content_Type": "application/json; charset=utf-8"}),
    "github, old": ("github", BODY, (), {"X_Hub_Signature": f"sha1={SHA1}", "Content_Type": "application/json"}),
    "github, event": ("github", BODY, ("Push",), {"X_Hub_Signature": f"sha1={SHA1}", "Content_Type": "application/json", "X_GitHub_Event": "push"}),
    "bitbucket": ("bitbucket", BODY, ("repo:push",), {"X_Hub_Signature": f"sha1={SHA1}", "Content_Type": "application/json", "X_Event_Key": "repo:push"}),
    "gitlab": ("gitlab", b"not JSON", ("Push Hook",), {"X_Gitlab_Token": "token", "X_Gitlab_Event": "Push Hook"}),
    "harbor": ("harbor", BODY, (), {"Authorization": "token"}),
    "nexus": ("nexus", BODY, (), {"X_Nexus_Webhook_Signature": SHA1}),
    "dockerhub": ("dockerhub", b'{"push_data":{"tag":"1"},"repository":{"repo_url":"x"}}', (), {}),
    "quay": ("quay", b'{"docker_url":"x","updated_tags":["1"]}', (), {}),
    "acr": ("acr", b'{"action":"push","target":{"repository":"x","tag":"1"}}', (), {}),
    "cdevents": ("cdevents", orjson.dumps({"context": {"version": "0.4.1", "id": "1", "source": "/x", "type": "dev.cdevents.change.merged.0.2.0", "timestamp": "2026-01-01T00:00:00Z"}, "subject": {"id": "7", "source": "/x", "type": "change", "content": {}}}), ("dev.cdevents.change.merged.0.2.0",), {"Ce_Type": "dev.cdevents.change.merged.0.2.0"}),
}  # fmt: skip


@pytest.mark.parametrize("case", GOOD)
def test_who_may_call(case: str) -> None:
    kind, body, events, headers = GOOD[case]
    assert checked(kind, body, events=events, **headers) == body


def test_a_form_of_github() -> None:
    signature = hmac.new(b"token", FORM, hashlib.sha256).hexdigest()
    content = "application/x-www-form-urlencoded"
    assert checked("github", FORM, X_Hub_Signature_256=f"sha256={signature}", Content_Type=content) == BODY


BAD: dict[str, tuple[str, bytes, tuple[str, ...], dict[str, str]]] = {
    "no signature": ("generic-hmac", BODY, (), {}),
    "no algorithm": ("generic-hmac", BODY, (), {"X_Signature": SHA256}),
    "an unknown algorithm": ("generic-hmac", BODY, (), {"X_Signature": f"md5={SHA256}"}),
    "no hex": ("generic-hmac", BODY, (), {"X_Signature": "sha256=zz"}),
    "half of it": ("generic-hmac", BODY, (), {"X_Signature": f"sha256={SHA256[:32]}"}),
    "another body": ("generic-hmac", BODY + b" ", (), {"X_Signature": f"sha256={SHA256}"}),
    "github without": ("github", BODY, (), {"Content_Type": "application/json"}),
    "github as text": ("github", BODY, (), {"X_Hub_Signature": f"sha1={SHA1}", "Content_Type": "text/plain"}),
    "a wrong new one beside a right old one": ("github", BODY, (), {"X_Hub_Signature": f"sha1={SHA1}", "X_Hub_Signature_256": f"sha256={SHA1}", "Content_Type": "application/json"}),
    "another event": ("github", BODY, ("push",), {"X_Hub_Signature": f"sha1={SHA1}", "Content_Type": "application/json", "X_GitHub_Event": "ping"}),
    "no event": ("gitlab", BODY, ("Push Hook",), {"X_Gitlab_Token": "token"}),
    "gitlab": ("gitlab", BODY, (), {"X_Gitlab_Token": "Token"}),
    "bytes that are no text": ("gitlab", BODY, (), {"X_Gitlab_Token": "\udcff"}),
    "harbor": ("harbor", BODY, (), {"Authorization": "Bearer token"}),
    "nexus with a prefix": ("nexus", BODY, (), {"X_Nexus_Webhook_Signature": f"sha1={SHA1}"}),
    "dockerhub": ("dockerhub", b'{"push_data":{"tag":1}}', (), {}),
    "quay": ("quay", b"[]", (), {}),
    "acr": ("acr", b'{"target":"x"}', (), {}),
    "cdevents": ("cdevents", b'{"context":{},"subject":{}}', (), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD)
def test_who_may_not(case: str) -> None:
    kind, body, events, headers = BAD[case]
    with pytest.raises(Rejected):
        checked(kind, body, events=events, **headers)


@pytest.mark.parametrize("kind", ["generic-hmac", "github", "bitbucket", "gitlab", "harbor", "nexus"])
def test_an_empty_token_lets_nobody_in(kind: str) -> None:
    empty = hmac.new(b"", BODY, hashlib.sha1).hexdigest()
    headers = {
        "X_Signature": f"sha1={empty}",
        "X_Hub_Signature": f"sha1={empty}",
        "X_Nexus_Webhook_Signature": empty,
    }
    with pytest.raises(Rejected):
        checked(kind, token="", Content_Type="application/json", **headers)


@given(kind=st.sampled_from(sorted(CHECKS)), body=st.binary(max_size=60), text=st.text(max_size=20))
def test_nothing_else_ever_happens(kind: str, body: bytes, text: str) -> None:
    names = ("X-Signature", "X-Hub-Signature", "Authorization", "X-Gitlab-Token", "X-Nexus-Webhook-Signature")
    headers = CIMultiDict(dict.fromkeys(names, text) | JSON)
    try:
        assert isinstance(CHECKS[kind](Hook(headers, body), {"token": "token"}), bytes)
    except Rejected:
        return


def test_the_paths_of_the_contract() -> None:
    assert webhook_path("test-token", ObjectKey("flux-system", "github-receiver")) == (
        "/hook/df3ebadde655d58cd8236886baaaca95ff9c420f4c89e11a5d91965baa0cdf0f"
    )


def receiver(**spec: Any) -> Receiver:
    given = {
        "type": "generic",
        "secretRef": {"name": "s"},
        "resources": [{"kind": "GitRepository", "name": "repo"}],
    }
    return Receiver.parse({"metadata": {"name": "hook", "namespace": "apps"}, "spec": given | spec})


def checked_spec(given: Receiver) -> None:
    check_filters(given)
    check_spec(given)


@pytest.mark.parametrize(
    ("spec", "reason", "words"),
    [
        ({"resourceFilter": "1 +"}, "InvalidCELExpression", "invalid resourceFilter expression: "),
        ({"resourceFilter": "res.metadata.name"}, "InvalidCELExpression", "expected bool"),
        ({"resources": [{"kind": "Bucket", "name": "b", "filter": "x"}]}, "InvalidCELExpression",
         r"invalid filter expression for resources\[0\] \(kind=Bucket, name=b\)"),
        ({"secretRef": None}, "ValidationFailed", "secretRef is required when type is not generic-oidc"),
        ({"oidcProviders": [{"issuerURL": "https://x"}]}, "ValidationFailed", "oidcProviders can only be set"),
        ({"type": "gcr"}, "ValidationFailed", "not supported yet"),
    ],
)  # fmt: skip
def test_what_only_the_spec_can_mend(spec: dict[str, Any], reason: str, words: str) -> None:
    with pytest.raises(Stalled, match=words) as caught:
        checked_spec(receiver(**spec))
    assert caught.value.reason == reason


def test_filters() -> None:
    obj = {
        "apiVersion": "v1",
        "kind": "Bucket",
        "metadata": {"name": "b", "labels": {"a": "1"}},
        "spec": {"x": 1},
    }
    assert passes(("", "res.metadata.name in ['a', 'b']", "req.tag == '1'"), obj, {"tag": "1"})
    assert not passes(("res.metadata.labels.a == '2'",), obj, {})
    for hidden in ("res.spec.x == 1", "req.nothing == '1'"):
        with pytest.raises(EvaluationFailed):
            passes((hidden,), obj, {})


def test_the_body_is_read_for_filters_alone() -> None:
    hook = Hook(CIMultiDict(JSON), b"{")
    assert request_of(receiver(), hook, b"{") == {}
    for body in (b"{", b"[]", b""):
        with pytest.raises(BadBody):
            request_of(receiver(resourceFilter="true"), hook, body)
    assert request_of(receiver(resourceFilter="true"), Hook(CIMultiDict(), b""), b"{") == {}


def test_versions_of_kinds() -> None:
    assert version_of(SourceRef("GitRepository", "x", "ns")) == "source.toolkit.fluxcd.io/v1"
    assert version_of(SourceRef("Kustomization", "x", "ns", "y/v2")) == "y/v2"
    with pytest.raises(CannotPoke, match='apiVersion must be specified for kind "Kustomization"'):
        version_of(SourceRef("Kustomization", "x", "ns"))


class Cluster:
    """One secret and three repositories; notes who is annotated."""

    def __init__(self) -> None:
        self.poked: list[str] = []
        self.repositories = {"a": {"team": "x"}, "b": {"team": "x"}, "c": {}}

    async def find(self, _resource: Resource, _namespace: str, name: str) -> dict[str, Any] | None:
        return {"data": {"token": base64.b64encode(b"token").decode()}} if name == "s" else None

    async def resource_of(self, ref: Any) -> Resource:
        return Resource("source.toolkit.fluxcd.io", "v1", ref.kind, "gitrepositories")

    def _object(self, namespace: str, name: str) -> dict[str, Any]:
        return {"metadata": {"name": name, "namespace": namespace, "labels": self.repositories[name]}}

    async def get(
        self, _resource: Resource, namespace: str, name: str, *, metadata_only: bool
    ) -> dict[str, Any]:
        assert metadata_only
        if name not in self.repositories:
            raise NotFound(404, "NotFound", name)
        return self._object(namespace, name)

    async def list(self, _resource: Resource, namespace: str, *, metadata_only: bool) -> Any:
        assert metadata_only
        return type("L", (), {"items": [self._object(namespace, name) for name in self.repositories]})

    async def patch(self, _resource: Resource, _namespace: str, name: str, patch: Any, **_more: Any) -> None:
        assert list(patch["metadata"]["annotations"]) == [REQUESTED_AT]
        self.poked.append(name)


GIT = {"kind": "GitRepository"}


@pytest.mark.parametrize(
    ("resources", "poked", "whole"),
    [
        ([GIT | {"name": "a"}], ["a"], True),
        ([GIT | {"name": "gone"}, GIT | {"name": "b"}], ["b"], False),
        ([GIT | {"name": "*", "matchLabels": {"team": "x"}}], ["a", "b"], True),
        ([GIT | {"name": "*", "matchLabels": {}}], ["a", "b", "c"], True),
        ([GIT | {"name": "*", "matchLabels": {"team": "y"}}], [], True),
        ([GIT | {"name": "*"}], [], False),
        ([GIT | {"name": "a", "namespace": "other"}], [], False),
        ([{"kind": "Kustomization", "name": "a"}], [], False),
        ([GIT | {"name": "*", "matchLabels": {}, "filter": "res.metadata.name == req.name"}], ["b"], True),
        ([GIT | {"name": "a", "filter": "req.missing == '1'"}, GIT | {"name": "c"}], ["c"], False),
    ],
)
async def test_who_is_poked(resources: list[Any], poked: list[str], whole: bool) -> None:
    cluster: Any = Cluster()
    found = await Poker(cluster, cluster, cross_namespace=False).poke(
        receiver(resources=resources), {"name": "b"}
    )
    assert (cluster.poked, found) == (poked, whole)


class Receivers(list[dict[str, Any]]):
    """What a synced cache offers to the server."""

    def __init__(self, *items: dict[str, Any]) -> None:
        import asyncio

        super().__init__(items)
        self.synced = asyncio.Event()
        self.synced.set()


def served(*, ready: str = "True", **spec: Any) -> dict[str, Any]:
    given = {"type": "gitlab", "secretRef": {"name": "s"}, "resources": [GIT | {"name": "a"}]}
    conditions = [{"type": "Ready", "status": ready}]
    return {
        "apiVersion": RECEIVER.api_version,
        "metadata": {"name": "hook", "namespace": "apps"},
        "spec": given | spec,
        "status": {"webhookPath": "/hook/1", "conditions": conditions},
    }


@pytest.mark.parametrize(
    ("path", "obj", "token", "body", "status"),
    [
        ("/hook/1", served(), "token", b"{}", 200),
        ("/hook/1", served(), "", b"x" * (MAX_BODY + 1), 413),
        ("/hook/2", served(), "token", b"x" * (MAX_BODY + 1), 413),
        ("/hook/2", served(), "token", b"", 404),
        ("/hook/1?x", served(), "token", b"", 404),
        ("/hook/1/", served(), "token", b"", 404),
        ("/", served(), "token", b"", 404),
        ("/hook/1", served(suspend=True), "token", b"", 503),
        ("/hook/1", served(ready="False"), "token", b"", 503),
        ("/hook/1", served(), "wrong", b"", 400),
        ("/hook/1", served(secretRef={"name": "gone"}), "token", b"", 400),
        ("/hook/1", served(resourceFilter="true"), "token", b"[]", 500),
        ("/hook/1", served(resources=[GIT | {"name": "gone"}]), "token", b"", 500),
    ],
)
async def test_answers(path: str, obj: dict[str, Any], token: str, body: bytes, status: int) -> None:
    cluster: Any = Cluster()
    receivers: Any = Receivers(obj)
    hooks = Hooks(cluster, receivers, Poker(cluster, cluster, cross_namespace=True))
    app = hooks.create_app(Measures(Metrics().registry, with_paths=False))
    address = Address("127.0.0.1", free_port())
    async with serving(app, address), ClientSession() as session:
        headers = JSON | {"X-Gitlab-Token": token}
        async with session.post(f"http://{address}{path}", data=io.BytesIO(body), headers=headers) as answer:
            assert (answer.status, await answer.read()) == (status, b"")
