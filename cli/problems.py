"""What went wrong, in one line that says what to do (specs/cli.md 2.2, 16)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from cli.printing import Symbol

if TYPE_CHECKING:
    from shared.kube.errors import KubeError

FAILED = 1
COULD_NOT_RUN = 2
"""The status of a `diff` that came to no answer."""
_NOT_SERVED = "the server could not find the requested resource"


class CliError(Exception):
    """Ends the command with this line and this exit status."""

    def __init__(self, message: str, *, status: int = FAILED, symbol: Symbol = Symbol.FAILURE) -> None:
        super().__init__(message)
        self.message = message
        self.status = status
        self.symbol = symbol


def explain(error: KubeError) -> str:
    """The API server's own words, without credentials, and what helps where that is known."""
    from shared.kube.errors import ApiUnreachable, Forbidden, NotFound, Unauthorized, UnknownKind
    from shared.logic.redact import redact

    text = redact(str(error))
    match error:
        case ApiUnreachable():
            return f"no answer from the Kubernetes API: {text}; check --kubeconfig, --context and the network"
        case Unauthorized():
            return (
                f"the API server does not accept these credentials: {text}; log in again or choose --context"
            )
        case Forbidden():
            return f"{text}; ask for this right, or choose another identity by --context or --as"
        case UnknownKind():
            return f"{text}; are the CRDs installed?"
        case NotFound() if is_not_served(error):
            return f"{text}; are the CRDs of Headwater or Flux installed?"
    return text


def is_not_served(error: KubeError) -> bool:
    """Is it the kind that is missing, and not one object of it?"""
    from shared.kube.errors import NotFound

    return isinstance(error, NotFound) and (
        not error.details.get("name")
        or _NOT_SERVED in str(error)
        or str(error).startswith("the server answered")
    )
