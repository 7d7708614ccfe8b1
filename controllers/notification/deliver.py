"""One attempt to tell one provider of one event: read the secrets, build the request, send it (9, 10, 11)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import aiohttp

from controllers.notification.credentials import Credentials, read_credentials
from controllers.notification.dispatch import Job
from controllers.notification.gate import GIT
from controllers.notification.notifiers import NOTIFIERS
from controllers.notification.notifiers.notice import AlertRef, Notice
from controllers.notification.outgoing import Outgoing, Refused, Unavailable, tls_context
from shared.kube.client import KubeClient
from shared.logic.cel import EvaluationFailed, InvalidExpression, compile_text
from shared.model.meta import Object, ObjectKey
from shared.model.notification import Provider


@dataclass(frozen=True, slots=True)
class Delivery:
    """`find` gives the Provider as it is now: who mends one is heard at the next attempt."""

    client: KubeClient
    session: aiohttp.ClientSession
    find: Callable[[ObjectKey], Object | None]

    async def deliver(self, job: Job) -> None:
        """Raises Refused or Unavailable, free of credentials."""
        found = self.find(job.provider)
        if found is None:
            raise Refused(f"failed to read provider: '{job.provider}' not found")
        provider = read_provider(found)
        try:
            notify = NOTIFIERS[provider.type]
        except KeyError:
            raise Refused(f"provider type '{provider.type}' is not known") from None
        try:
            async with asyncio.timeout(provider.timeout.total_seconds()):
                credentials = await read_credentials(self.client, provider)
                notice = Notice(
                    event=job.event,
                    channel=provider.channel,
                    credentials=credentials,
                    provider_uid=provider.uid,
                    status_id=status_id(job, found) if provider.type in GIT else "",
                    alert=AlertRef.of(job.alert),
                )
                outgoing = await self._outgoing(provider, credentials)
                await _masked(credentials, notify(notice, outgoing.send))
        except TimeoutError as error:
            raise Unavailable(f"not delivered within {provider.timeout.total_seconds():g} s") from error

    async def _outgoing(self, provider: Provider, found: Credentials) -> Outgoing:
        tls = None
        if found.ca or found.certificate:
            tls = await tls_context(found.ca, found.certificate, found.key)
        return Outgoing(self.session, provider.timeout.total_seconds(), found.proxy or None, tls)


def read_provider(obj: Object) -> Provider:
    """Raises Refused on what got past the schema."""
    try:
        return Provider.parse(obj)
    except (KeyError, TypeError, ValueError) as error:
        raise Refused(f"failed to read provider: {error}") from error


def status_id(job: Job, provider: Object) -> str:
    """What the commit status is called: after object and provider, or as the Provider says (11.2)."""
    expression = provider["spec"].get("commitStatusExpr")
    event = job.event
    if not expression:
        uid = str(provider["metadata"].get("uid", "")).partition("-")[0]
        return f"{event.kind}/{event.name}/{uid}".lower()
    variables = {"event": event.render(), "provider": provider, "alert": job.alert}
    try:
        return compile_text(expression, *variables).text(variables)
    except (InvalidExpression, EvaluationFailed) as error:
        raise Refused(
            f"failed to evaluate the spec.commitStatusExpr CEL expression for the event: {error}"
        ) from error


async def _masked(credentials: Credentials, work: Awaitable[None]) -> None:
    try:
        await work
    except Unavailable as error:
        raise Unavailable(credentials.mask(str(error)), retry_after=error.retry_after) from None
    except Refused as error:
        raise Refused(credentials.mask(str(error))) from None
