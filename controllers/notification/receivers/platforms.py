"""Who may call a webhook of which type: one check for each, and one table (specs/notification.md 14).

A check raises Rejected, or returns the body that filters look at (mostly the one that came).
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import parse_qs

from controllers.notification.receivers.hook import (
    Hook,
    Rejected,
    check_digest,
    check_secret,
    check_signature,
    decode,
    require_shape,
    require_token,
)

Secret = Mapping[str, str]
Check = Callable[[Hook, Secret], bytes]

_FORM = "application/x-www-form-urlencoded"
_SHAPES: Mapping[str, Mapping[str, Any]] = {
    "dockerhub": {"push_data": {"tag": str}, "repository": {"repo_url": str}},
    "quay": {"docker_url": str, "updated_tags": list},
    "acr": {"action": str, "target": {"repository": str, "tag": str}},
    "nexus": {"action": str, "repositoryName": str},
}


def _generic(hook: Hook, _secret: Secret) -> bytes:
    """The address alone is the secret."""
    return hook.body


def _generic_hmac(hook: Hook, secret: Secret) -> bytes:
    check_signature(hook.header("X-Signature"), hook.body, require_token(secret))
    return hook.body


def _github(hook: Hook, secret: Secret) -> bytes:
    """JSON, or a form whose field `payload` is the JSON; the signature is of the body as it came."""
    body = _signed(hook, secret)
    hook.require_event("X-GitHub-Event")
    return body


def _bitbucket(hook: Hook, secret: Secret) -> bytes:
    body = _signed(hook, secret)
    hook.require_event("X-Event-Key")
    return body


def _signed(hook: Hook, secret: Secret) -> bytes:
    header = hook.header("X-Hub-Signature-256") or hook.header("X-Hub-Signature")
    check_signature(header, hook.body, require_token(secret))
    if hook.media_type == "application/json":
        decode(hook.body)
        return hook.body
    if hook.media_type != _FORM:
        raise Rejected(f"the content type {hook.media_type[:64]!r} is not supported")
    try:
        fields = parse_qs(hook.body.decode(), max_num_fields=100)
    except ValueError as error:
        raise Rejected("the form cannot be read") from error
    payload = fields.get("payload", [""])[0].encode()
    decode(payload)
    return payload


def _gitlab(hook: Hook, secret: Secret) -> bytes:
    check_secret(hook.header("X-Gitlab-Token"), require_token(secret))
    hook.require_event("X-Gitlab-Event")
    return hook.body


def _harbor(hook: Hook, secret: Secret) -> bytes:
    check_secret(hook.header("Authorization"), require_token(secret))
    return hook.body


def _nexus(hook: Hook, secret: Secret) -> bytes:
    expected = hmac.new(require_token(secret).encode(), hook.body, hashlib.sha1).digest()
    check_digest(hook.header("X-Nexus-Webhook-Signature"), expected)
    return _shaped("nexus")(hook, secret)


def _shaped(kind: str) -> Check:
    """No signature, but the body must look as this platform's do."""

    def check(hook: Hook, _secret: Secret) -> bytes:
        require_shape(decode(hook.body), _SHAPES[kind])
        return hook.body

    return check


def _cdevents(hook: Hook, _secret: Secret) -> bytes:
    hook.require_event("Ce-Type")
    raw = decode(hook.body)
    context, subject = raw.get("context"), raw.get("subject")
    if not isinstance(context, dict) or not isinstance(subject, dict):
        raise Rejected("a CDEvent has a context and a subject")
    required = [context.get(name) for name in ("version", "id", "source", "type", "timestamp")]
    if not all(isinstance(value, str) and value for value in [*required, subject.get("id")]):
        raise Rejected("the context or the subject of the CDEvent lacks a field")
    if not isinstance(subject.get("content"), dict):
        raise Rejected("the subject of a CDEvent has a content")
    return hook.body


CHECKS: Mapping[str, Check] = {
    "acr": _shaped("acr"),
    "bitbucket": _bitbucket,
    "cdevents": _cdevents,
    "dockerhub": _shaped("dockerhub"),
    "generic": _generic,
    "generic-hmac": _generic_hmac,
    "github": _github,
    "gitlab": _gitlab,
    "harbor": _harbor,
    "nexus": _nexus,
    "quay": _shaped("quay"),
}
"""By the Receiver's spec.type."""

MISSING: Mapping[str, str] = {
    "gcr": "the check of Google's identity tokens",
    "generic-oidc": "the check of OpenID Connect tokens",
}
"""Types of Flux that the CRD takes and that nobody may call yet, and what that would need."""
