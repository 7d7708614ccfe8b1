"""A Receiver's status: where its webhook is, or why there is none (specs/notification.md 5.3)."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.notification.credentials import read_secret
from controllers.notification.outgoing import DeliveryFailed
from controllers.notification.receivers.filters import compile_filter
from controllers.notification.receivers.platforms import CHECKS, MISSING
from shared.kube.client import KubeClient
from shared.logic.cel import InvalidExpression
from shared.model.duration import render_duration
from shared.model.event import EventType
from shared.model.meta import READY, Reason
from shared.model.receiver import Receiver, webhook_path
from shared.runtime.failure import Failure, Stalled
from shared.runtime.outcome import Done
from shared.runtime.report import Report

_TERMINAL = "Reconciliation failed terminally due to configuration error: "


@dataclass(frozen=True, slots=True)
class Reconciler:
    client: KubeClient

    async def reconcile(self, receiver: Receiver, report: Report) -> Done:
        """Raises Stalled for what only the spec can mend, Failure while the token cannot be read."""
        check_filters(receiver)
        check_spec(receiver)
        report.conditions.mark_reconciling(Reason.PROGRESSING, "Reconciliation in progress")
        try:
            token = await self._token(receiver)
        except Failure:
            report.status.pop("webhookPath", None)
            raise
        path = webhook_path(token, receiver.key)
        report.status["webhookPath"] = path
        report.conditions.mark_true(READY, Reason.SUCCEEDED, f"Receiver initialized for path: {path}")
        finished = f"Reconciliation finished, next run in {render_duration(receiver.interval)}"
        report.tell(EventType.NORMAL, Reason.SUCCEEDED, finished)
        return Done(receiver.interval)

    async def finalize(self, _receiver: Receiver, _report: Report) -> None:
        """Nothing outlives a Receiver: its path is gone with it."""

    async def _token(self, receiver: Receiver) -> str:
        shown = f"{receiver.key.namespace}/{receiver.secret}"
        try:
            secret = await read_secret(self.client, receiver.key.namespace, receiver.secret)
        except DeliveryFailed as error:
            message = f"unable to read token from secret '{shown}' error: {error}"
            raise Failure(message, reason="TokenNotFound") from error
        if not secret.get("token"):
            raise Failure(f"invalid '{shown}' secret data: required fields 'token'", reason="TokenNotFound")
        return secret["token"]


def check_filters(receiver: Receiver) -> None:
    """Raises Stalled for an expression that does not compile."""
    expressions = [("invalid resourceFilter expression: ", receiver.resource_filter)]
    for number, target in enumerate(receiver.targets):
        which = f"resources[{number}] (kind={target.objects.kind}, name={target.objects.name})"
        expressions.append((f"invalid filter expression for {which}: ", target.filter))
    for prefix, expression in expressions:
        try:
            if expression:
                compile_filter(expression)
        except InvalidExpression as error:
            raise Stalled(f"{_TERMINAL}{prefix}{error}", reason="InvalidCELExpression") from error


def check_spec(receiver: Receiver) -> None:
    """The rules between fields, for clusters whose CRDs do not check them. Raises Stalled."""
    if receiver.type not in CHECKS:
        needs = MISSING.get(receiver.type, "a type that is known")
        problem = f"receiver type '{receiver.type}' is not supported yet: it needs {needs}"
    elif receiver.has_oidc_providers:
        problem = "oidcProviders can only be set when type is generic-oidc"
    elif not receiver.secret:
        problem = "secretRef is required when type is not generic-oidc"
    else:
        return
    raise Stalled(f"{_TERMINAL}{problem}", reason="ValidationFailed")
