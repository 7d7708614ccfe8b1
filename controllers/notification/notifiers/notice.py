"""What a notifier gets, and the words that several platforms share."""

from __future__ import annotations

import base64
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit, urlunsplit

from controllers.notification.credentials import Credentials
from controllers.notification.event import Event
from controllers.notification.outgoing import Answer, Refused, Request
from shared.model.meta import Object

Send = Callable[[Request], Awaitable[Answer]]
Render = Callable[["Notice"], Iterable[Request]]
Notify = Callable[["Notice", Send], Awaitable[None]]

_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z][a-z]+|[a-z]+|[0-9]+|[^A-Za-z0-9]+")


@dataclass(frozen=True, slots=True)
class AlertRef:
    """On whose behalf somebody is told."""

    namespace: str = ""
    name: str = ""
    uid: str = ""

    @classmethod
    def of(cls, obj: Object) -> AlertRef:
        meta = obj.get("metadata") or {}
        return cls(*(str(meta.get(key) or "") for key in ("namespace", "name", "uid")))


@dataclass(frozen=True, slots=True)
class Notice:
    """One event on its way to one provider: metadata is combined, the secrets are read.

    `status_id` is the name of a commit status, for providers that set one.
    """

    event: Event
    channel: str
    credentials: Credentials
    provider_uid: str = ""
    status_id: str = ""
    alert: AlertRef = AlertRef()

    @property
    def address(self) -> str:
        return self.credentials.address

    @property
    def token(self) -> str:
        return self.credentials.token

    @property
    def metadata(self) -> list[tuple[str, str]]:
        """Sorted, so that the same event always looks the same."""
        return sorted(self.event.metadata.items())

    def require_address(self) -> str:
        """Raises Refused when it is no absolute http(s) URL."""
        try:
            parts = urlsplit(self.address)
            usable = parts.scheme in {"http", "https"} and bool(parts.hostname)
        except ValueError:
            usable = False
        if not usable:
            raise Refused("the provider needs an address: an absolute http or https URL")
        return self.address

    def require_channel(self) -> str:
        if not self.channel:
            raise Refused("the provider needs a channel")
        return self.channel

    def require_token(self) -> str:
        """As headers carry it. Raises Refused."""
        if not self.token.strip():
            raise Refused("the provider needs a secret with a 'token'")
        return self.token.strip()

    def authorization(self) -> dict[str, str]:
        """Basic where there is a pair, else Bearer where there is a token."""
        found = self.credentials
        if found.username and found.password:
            return basic(found.username, found.password)
        return bearer(found.token) if found.token else {}


def rendered(render: Render) -> Notify:
    """A platform that is told and not asked: requests in order, each must succeed."""

    async def notify(notice: Notice, send: Send) -> None:
        for request in render(notice):
            await send(request)

    return notify


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token.strip()}"}


def basic(username: str, password: str) -> dict[str, str]:
    return {"Authorization": f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"}


def at_path(address: str, path: str) -> str:
    """The address with another path and without query."""
    parts = urlsplit(address)
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


def words(reason: str) -> Iterator[str]:
    """`HealthCheckFailed` -> health, check, failed; acronyms stay whole."""
    return (word.lower() for word in _WORD.findall(reason) if word.strip())


def describe(reason: str) -> str:
    return " ".join(words(reason))
