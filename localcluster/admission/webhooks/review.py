"""AdmissionReview: the question that is sent and the answer that is believed (admission.k8s.io)."""

from __future__ import annotations

import base64
import binascii
from dataclasses import dataclass
from typing import Any

import orjson

from localcluster.admission.webhooks.matching import Asked
from localcluster.admission.webhooks.write import Write
from localcluster.resources.resource import Resource
from localcluster.status import Refusal
from localcluster.store.revision import Obj

_GROUP = "admission.k8s.io"
_MAX_WARNINGS = 100
_MAX_WARNING_CHARACTERS = 4096


class BadResponse(Exception):
    """An answer that is no AdmissionReview, or not one to this question."""

    def __init__(self, why: str) -> None:
        super().__init__(f"received invalid webhook response: {why}")


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a webhook says; `status` explains a denial, `patch` is a JSON patch."""

    allowed: bool
    status: Obj
    patch: Any
    warnings: tuple[str, ...]


def request_of(asked: Asked, write: Write, uid: str, obj: Obj | None, old: Obj | None) -> Obj:
    """The `request` of a review; `obj` and `old` are in the form of the asked resource."""
    own, call = write.call.resource, write.call
    request: Obj = {
        "uid": uid,
        "kind": _kind_of(obj if obj is not None else old),
        "resource": _resource(asked.resource),
        "subResource": call.subresource,
        "requestKind": _kind_of(write.subject),
        "requestResource": _resource(own),
        "requestSubResource": call.subresource,
        "name": write.name,
        "namespace": call.name if own.kind == "Namespace" and not own.group else call.namespace,
        "operation": write.operation,
        "userInfo": call.user.info(),
    }
    request = {key: value for key, value in request.items() if value}
    return request | {"object": obj, "oldObject": old, "dryRun": write.dry_run, "options": write.options}


def _kind_of(obj: Obj | None) -> Obj:
    assert obj is not None
    group, _, version = obj["apiVersion"].rpartition("/")
    return {"group": group, "version": version, "kind": obj["kind"]}


def _resource(resource: Resource) -> Obj:
    return {"group": resource.group, "version": resource.version, "resource": resource.plural}


def question(version: str, request: Obj) -> bytes:
    """The body of the call."""
    review = {"kind": "AdmissionReview", "apiVersion": f"{_GROUP}/{version}", "request": request}
    return orjson.dumps(review)


def read_answer(body: bytes, version: str, uid: str, *, mutating: bool) -> Verdict:
    """What a body says; raises BadResponse."""
    review = _parsed(body)
    response = review.get("response")
    if not isinstance(response, dict):
        raise BadResponse("webhook response was absent")
    if version == "v1":
        _require_answer_to(review, response, uid)
    patch = _patch(response, strict=version == "v1", mutating=mutating)
    status = response.get("status")
    warnings = response.get("warnings")
    said = warnings if isinstance(warnings, list) else []
    return Verdict(
        allowed=response.get("allowed") is True,
        status=status if isinstance(status, dict) else {},
        patch=patch,
        warnings=tuple(str(each)[:_MAX_WARNING_CHARACTERS] for each in said[:_MAX_WARNINGS]),
    )


def _parsed(body: bytes) -> Obj:
    try:
        review = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise BadResponse(f"couldn't parse the response: {error}") from error
    if not isinstance(review, dict):
        raise BadResponse("the response is not an object")
    return review


def _require_answer_to(review: Obj, response: Obj, uid: str) -> None:
    if response.get("uid") != uid:
        given = orjson.dumps(str(response.get("uid") or "")).decode()
        raise BadResponse(f'expected response.uid="{uid}", got {given}')
    kind, api_version = str(review.get("kind") or ""), str(review.get("apiVersion") or "")
    if (kind, api_version) != ("AdmissionReview", f"{_GROUP}/v1"):
        shown = api_version if "/" in api_version else f"/{api_version}"
        wanted = f"{_GROUP}/v1, Kind=AdmissionReview"
        raise BadResponse(f"expected webhook response of {wanted}, got {shown}, Kind={kind}")


def _patch(response: Obj, *, strict: bool, mutating: bool) -> Any:
    text, kind = response.get("patch"), response.get("patchType")
    if not mutating:
        if strict and text:
            raise BadResponse("validating webhook may not return response.patch")
        if strict and kind:
            raise BadResponse("validating webhook may not return response.patchType")
        return None
    if not text:
        if strict and kind:
            raise BadResponse("webhook returned response.patchType but not response.patch")
        return None
    if strict and not kind:
        raise BadResponse("webhook returned response.patch but not response.patchType")
    if kind not in (None, "JSONPatch"):
        raise BadResponse(f'unsupported patch type "{kind}"')
    try:
        return orjson.loads(base64.b64decode(text, validate=True))
    except (TypeError, ValueError, binascii.Error) as error:
        raise BadResponse(f"response.patch is no JSON patch in base64: {error}") from error


def denial(webhook: str, status: Obj) -> Refusal:
    """The refusal by which a denied write ends, with the webhook's own code, reason and words."""
    code = status.get("code")
    code = code if isinstance(code, int) and 400 <= code <= 599 else 400
    reason, message = status.get("reason"), status.get("message")
    said = f'admission webhook "{webhook}" denied the request'
    explanation = message or reason
    said += f": {explanation}" if explanation else " without explanation"
    details = status.get("details")
    return Refusal(
        code, str(reason) if reason else None, said, details if isinstance(details, dict) else None
    )
