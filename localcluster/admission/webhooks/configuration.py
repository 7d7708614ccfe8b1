"""Webhook configurations as they are stored, read into values; each stored version is read once."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

from localcluster.selectors.labels import LabelSelector, from_object
from localcluster.store.revision import Revision
from localcluster.store.store import Store

MUTATING = "mutatingwebhookconfigurations.admissionregistration.k8s.io"
VALIDATING = "validatingwebhookconfigurations.admissionregistration.k8s.io"
_REMEMBERED = "webhooks"
_SPOKEN = ("v1", "v1beta1")
Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Service:
    """The service form of an address; the certificate must be for `host`."""

    namespace: str
    name: str
    port: int
    path: str

    @property
    def host(self) -> str:
        return f"{self.name}.{self.namespace}.svc"


@dataclass(frozen=True, slots=True)
class Client:
    """Where a webhook listens: a URL or a service. `authority` is PEM; the system's where empty."""

    url: str
    service: Service | None
    authority: bytes


@dataclass(frozen=True, slots=True)
class Rule:
    """What a webhook wants to hear of; `*` stands for all, a resource may be `pods/status` or `*/*`."""

    operations: frozenset[str]
    groups: frozenset[str]
    versions: frozenset[str]
    resources: tuple[tuple[str, str], ...]
    scope: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook. `exact` is matchPolicy Exact, `fails_open` is failurePolicy Ignore."""

    name: str
    client: Client
    rules: tuple[Rule, ...]
    namespaces: LabelSelector
    objects: LabelSelector
    conditions: tuple[tuple[str, str], ...]
    exact: bool
    fails_open: bool
    reinvoked: bool
    timeout_seconds: int
    review_version: str


def configured(store: Store, collection: str) -> list[Webhook]:
    """All webhooks of one sort: configurations by name, their webhooks in the order written."""
    return [hook for revision in store.snapshot(collection, "") for hook in _webhooks_of(revision)]


def _webhooks_of(revision: Revision) -> tuple[Webhook, ...]:
    known: tuple[Webhook, ...] | None = revision.remembered(_REMEMBERED)
    if known is None:
        known = tuple(parse_webhook(each) for each in revision.load().get("webhooks") or ())
        revision.remember(_REMEMBERED, known)
    return known


def parse_webhook(source: Json) -> Webhook:
    """One entry of `webhooks`, validated and defaulted before it was stored."""
    versions = source.get("admissionReviewVersions") or ()
    conditions = source.get("matchConditions") or ()
    return Webhook(
        name=source["name"],
        client=parse_client(source["clientConfig"]),
        rules=tuple(_rule(each) for each in source.get("rules") or ()),
        namespaces=from_object(source.get("namespaceSelector") or {}),
        objects=from_object(source.get("objectSelector") or {}),
        conditions=tuple((each["name"], each["expression"]) for each in conditions),
        exact=source.get("matchPolicy") == "Exact",
        fails_open=source.get("failurePolicy") == "Ignore",
        reinvoked=source.get("reinvocationPolicy") == "IfNeeded",
        timeout_seconds=source.get("timeoutSeconds") or 10,
        review_version=next(version for version in versions if version in _SPOKEN),
    )


def parse_client(source: Json) -> Client:
    """A clientConfig of a webhook, of admission or conversion."""
    service = source.get("service")
    return Client(
        url=source.get("url") or "",
        service=None if service is None else _service(service),
        authority=_decoded(source.get("caBundle") or ""),
    )


def _service(source: Json) -> Service:
    path = source.get("path") or "/"
    return Service(source["namespace"], source["name"], source.get("port") or 443, path)


def _decoded(text: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        # No PEM either: the call then fails and says so.
        return text.encode()


def _rule(source: Json) -> Rule:
    split = (name.partition("/") for name in source.get("resources") or ())
    return Rule(
        operations=frozenset(source.get("operations") or ()),
        groups=frozenset(source.get("apiGroups") or ()),
        versions=frozenset(source.get("apiVersions") or ()),
        resources=tuple((resource, subresource) for resource, _, subresource in split),
        scope=source.get("scope") or "*",
    )
