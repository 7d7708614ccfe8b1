"""GitHub: commit statuses, and dispatch events that start workflows (11.3, 11.5)."""

from __future__ import annotations

from collections.abc import Iterator

from controllers.notification.notifiers.notice import Notice, Send, bearer, describe
from controllers.notification.notifiers.repository import (
    PROGRESSING,
    Repository,
    choose,
    commit_of,
    parse_repository,
    says_already,
)
from controllers.notification.outgoing import Refused, Request, json_request


async def notify_status(notice: Notice, send: Send) -> None:
    event = notice.event
    if event.reason == PROGRESSING:
        return
    headers, url = headers_of(notice), repository_url(notice)
    status = {
        "state": choose(event, good="success", bad="failure"),
        "context": notice.status_id,
        "description": describe(event.reason),
    }
    commit = commit_of(event)
    listing = Request(f"{url}/commits/{commit}/statuses?per_page=50", method="GET", headers=headers)
    if not says_already((await send(listing)).json(), status, by="context"):
        await send(json_request(f"{url}/statuses/{commit}", status, headers))


def render_dispatch(notice: Notice) -> Iterator[Request]:
    event = notice.event
    payload = {
        "event_type": f"{event.kind}/{event.name}.{event.namespace}",
        "client_payload": event.render(),
    }
    yield json_request(f"{repository_url(notice)}/dispatches", payload, headers_of(notice))


def headers_of(notice: Notice) -> dict[str, str]:
    """Raises Refused without a token."""
    if not notice.token.strip():
        raise Refused("github token must be specified: a secret with 'token' or 'password'")
    return {"Accept": "application/vnd.github+json", **bearer(notice.token)}


def repository_url(notice: Notice) -> str:
    repository = parse_repository(notice.address)
    owner, name = repository.segments(2)
    return f"{api_of(repository)}/repos/{owner}/{name}"


def api_of(repository: Repository) -> str:
    return "https://api.github.com" if repository.host == "github.com" else f"{repository.server}/api/v3"
