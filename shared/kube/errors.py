"""What can go wrong between us and an API server.

ApiError                     the server answered with a failure
├── BadRequest       400
├── Unauthorized     401
├── Forbidden        403
├── NotFound         404
├── Conflict         409     another writer was faster, or a field has another owner
├── Gone             410     a resourceVersion or continue token is too old
├── Invalid          422     the object breaks its schema or an immutable field
├── TooManyRequests  429
└── ServerFailure    5xx
ApiUnreachable               no answer at all
UnknownKind                  no such kind is served
Unsendable                   the object has values that JSON cannot hold; nothing was sent
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_MAX_MESSAGE = 8_192


class KubeError(Exception):
    """Whatever a call to an API server can raise."""


class ApiUnreachable(KubeError):
    """The server could not be reached or broke off; nothing is known about what it did."""


class UnknownKind(KubeError):
    """Discovery does not list the kind."""


class Unsendable(KubeError):
    """A number beyond 64 bits, or text that is not Unicode: no server has seen the object."""


class ApiError(KubeError):
    """A failure Status. `reason` is the machine word (`AlreadyExists`), `causes` the detailed causes."""

    def __init__(
        self, status: int, reason: str, message: str, *, details: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.details: Mapping[str, Any] = details or {}

    @property
    def retry_after(self) -> float | None:
        """Seconds the server asks to wait, if it says so."""
        seconds = self.details.get("retryAfterSeconds")
        return float(seconds) if isinstance(seconds, int) and seconds > 0 else None


class BadRequest(ApiError):
    pass


class Unauthorized(ApiError):
    pass


class Forbidden(ApiError):
    pass


class NotFound(ApiError):
    pass


class Conflict(ApiError):
    pass


class Gone(ApiError):
    pass


class Invalid(ApiError):
    pass


class TooManyRequests(ApiError):
    pass


class ServerFailure(ApiError):
    pass


_BY_STATUS: Mapping[int, type[ApiError]] = {
    400: BadRequest,
    401: Unauthorized,
    403: Forbidden,
    404: NotFound,
    409: Conflict,
    410: Gone,
    422: Invalid,
    429: TooManyRequests,
}


def error_from(status: int, body: object, *, retry_after: str | None = None) -> ApiError:
    """The typed error for an answer; only a Status body is quoted, since any other may carry secrets."""
    known: Mapping[str, Any] = body if isinstance(body, dict) and body.get("kind") == "Status" else {}
    details = dict(known.get("details") or {})
    if retry_after is not None and retry_after.isdigit():
        details.setdefault("retryAfterSeconds", int(retry_after))
    error = _BY_STATUS.get(status, ServerFailure if status >= 500 else ApiError)
    return error(
        status,
        known.get("reason", ""),
        str(known.get("message") or f"the server answered HTTP {status}")[:_MAX_MESSAGE],
        details=details,
    )
