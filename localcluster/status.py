"""Refusals as Kubernetes words them: one exception, and a constructor for each kind of answer.

Everything below the HTTP layer raises `Refusal`; the HTTP layer turns it into a `Status` body and a
status code. Messages are part of the API: clients and people match on them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

ACCEPTED_TYPES = "application/json, application/yaml, application/vnd.kubernetes.protobuf"


class Cause(Protocol):
    """What is wrong with one field; `message` does not repeat the field's path."""

    @property
    def reason(self) -> str: ...
    @property
    def message(self) -> str: ...
    @property
    def field(self) -> str: ...


@dataclass(frozen=True, slots=True)
class FieldError:
    """A cause found by the server core itself (options, reviews), not by a kind's validation."""

    field: str
    reason: str
    message: str


class Refusal(Exception):
    """A request that ends in a Status of failure."""

    def __init__(
        self, code: int, reason: str | None, message: str, details: dict[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.details = details

    def body(self) -> dict[str, Any]:
        body: dict[str, Any] = {
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        }
        if self.reason:
            body["reason"] = self.reason
        if self.details is not None:
            body["details"] = self.details
        body["code"] = self.code
        return body


def success(
    *, name: str = "", group: str = "", kind: str = "", uid: str = "", code: int = 0
) -> dict[str, Any]:
    """The Status that answers a deletion (with details) or an act without a result (with a code)."""
    body: dict[str, Any] = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success"}
    if name:
        body["details"] = details_of(name, group, kind)
        if uid:
            body["details"]["uid"] = uid
    if code:
        body["code"] = code
    return body


def details_of(name: str, group: str, kind: str) -> dict[str, Any]:
    """Details with empty parts left out, as Go's omitempty does."""
    parts = (("name", name), ("group", group), ("kind", kind))
    return {key: value for key, value in parts if value}


def qualified(plural: str, group: str) -> str:
    """`configmaps`, `deployments.apps`."""
    return f"{plural}.{group}" if group else plural


def not_found(plural: str, group: str, name: str) -> Refusal:
    message = f'{qualified(plural, group)} "{name}" not found'
    return Refusal(404, "NotFound", message, details_of(name, group, plural))


def already_exists(plural: str, group: str, name: str, *, terminating: bool = False) -> Refusal:
    message = f'{qualified(plural, group)} "{name}" already exists'
    if terminating:
        message = f"object is being deleted: {message}"
    return Refusal(409, "AlreadyExists", message, details_of(name, group, plural))


def conflict(plural: str, group: str, name: str, why: str) -> Refusal:
    message = f'Operation cannot be fulfilled on {qualified(plural, group)} "{name}": {why}'
    return Refusal(409, "Conflict", message, details_of(name, group, plural))


MODIFIED = "the object has been modified; please apply your changes to the latest version and try again"


def forbidden(plural: str, group: str, name: str, why: str) -> Refusal:
    subject = qualified(plural, group) + (f' "{name}"' if name else "")
    return Refusal(403, "Forbidden", f"{subject} is forbidden: {why}", details_of(name, group, plural))


def invalid(kind: str, group: str, name: str, causes: Sequence[Cause]) -> Refusal:
    """422 with its causes; the message names each distinct one once."""
    texts = list(dict.fromkeys(f"{cause.field}: {cause.message}" for cause in causes))
    listed = texts[0] if len(texts) == 1 else f"[{', '.join(texts)}]"
    details = details_of(name, group, kind)
    details["causes"] = [
        {"reason": cause.reason, "message": cause.message, "field": cause.field} for cause in causes
    ]
    return Refusal(422, "Invalid", f'{qualified(kind, group)} "{name}" is invalid: {listed}', details)


def bad_request(message: str) -> Refusal:
    return Refusal(400, "BadRequest", message)


def unauthorized() -> Refusal:
    return Refusal(401, "Unauthorized", "Unauthorized")


def no_such_resource() -> Refusal:
    return Refusal(404, "NotFound", "the server could not find the requested resource", {})


def method_not_allowed() -> Refusal:
    message = "the server does not allow this method on the requested resource"
    return Refusal(405, "MethodNotAllowed", message, {})


def not_acceptable(message: str | None = None) -> Refusal:
    accepted = f"only the following media types are accepted: {ACCEPTED_TYPES}"
    return Refusal(406, "NotAcceptable", message or accepted)


def no_representation() -> Refusal:
    message = f"406: Not Acceptable\n\nAvailable representations: {ACCEPTED_TYPES}"
    return Refusal(406, "NotAcceptable", message, {})


def unsupported_body(accepted: str = ACCEPTED_TYPES) -> Refusal:
    message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
    return Refusal(415, "UnsupportedMediaType", message)


def too_large(limit: int) -> Refusal:
    message = f"Request entity is too large: limit is {limit}"
    return Refusal(413, "RequestEntityTooLarge", message)


def expired(message: str) -> Refusal:
    return Refusal(410, "Expired", message)


def not_implemented(what: str) -> Refusal:
    return Refusal(501, "NotImplemented", f"{what} is not implemented by this server", {})


def broken(message: str) -> Refusal:
    """500 without a reason: what the genuine server answers where it did not foresee an input."""
    return Refusal(500, None, message)


def internal(message: str) -> Refusal:
    return Refusal(
        500, "InternalError", f"Internal error occurred: {message}", {"causes": [{"message": message}]}
    )
