"""Gitea and Forgejo: commit statuses, pending ones too (11.3)."""

from __future__ import annotations

from controllers.notification.notifiers.notice import Notice, Send, describe
from controllers.notification.notifiers.repository import (
    PROGRESSING,
    choose,
    commit_of,
    parse_repository,
    says_already,
)
from controllers.notification.outgoing import Refused, Request, json_request


async def notify_status(notice: Notice, send: Send) -> None:
    event = notice.event
    headers, url, commit = headers_of(notice), repository_url(notice), commit_of(event)
    state = "pending" if event.reason == PROGRESSING else choose(event, good="success", bad="failure")
    description = describe(event.reason)
    listing = Request(f"{url}/commits/{commit}/statuses?page=1&limit=50", method="GET", headers=headers)
    # What Gitea takes as `state` it lists as `status`.
    wanted = {"status": state, "description": description, "context": notice.status_id}
    if says_already((await send(listing)).json(), wanted, by="context"):
        return
    status = {"state": state, "target_url": "", "description": description, "context": notice.status_id}
    await send(json_request(f"{url}/statuses/{commit}", status, headers))


def headers_of(notice: Notice) -> dict[str, str]:
    """Raises Refused without a token."""
    if not notice.token.strip():
        raise Refused("gitea token cannot be empty")
    return {"Authorization": f"token {notice.token.strip()}"}


def repository_url(notice: Notice) -> str:
    repository = parse_repository(notice.address)
    owner, name = repository.segments(2)
    return f"{repository.server}/api/v1/repos/{owner}/{name}"
