"""Comments on pull and merge requests: one for each object, rewritten by every event (11.6)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from controllers.notification.notifiers import gitea, github, gitlab
from controllers.notification.notifiers.markdown import status_text
from controllers.notification.notifiers.notice import Notice, Send
from controllers.notification.notifiers.repository import parse_repository
from controllers.notification.outgoing import Refused, Request, json_request

_LONGEST_NUMBER = 18


@dataclass(frozen=True, slots=True)
class _Place:
    """Where comments are: who we are, the list, and how one of them is changed."""

    me: str
    comments: str
    query: str
    comment: str
    change: str
    author: str
    login: str
    marker: str
    headers: dict[str, str]


async def notify_github(notice: Notice, send: Send) -> None:
    repository = github.repository_url(notice)
    api = github.api_of(parse_repository(notice.address))
    await _notify(notice, send, _issues(notice, api, repository, github.headers_of(notice)))


async def notify_gitea(notice: Notice, send: Send) -> None:
    repository = gitea.repository_url(notice)
    api = f"{parse_repository(notice.address).server}/api/v1"
    await _notify(notice, send, _issues(notice, api, repository, gitea.headers_of(notice)))


async def notify_gitlab(notice: Notice, send: Send) -> None:
    notes = f"{gitlab.project_url(notice)}/merge_requests/{_number(notice)}/notes"
    place = _Place(
        me=f"{parse_repository(notice.address).server}/api/v4/user",
        comments=notes,
        query="sort=asc&order_by=created_at&per_page=100",
        comment=notes,
        change="PUT",
        author="author",
        login="username",
        marker="flux-mr-comment-key",
        headers=gitlab.headers_of(notice),
    )
    await _notify(notice, send, place)


def _issues(notice: Notice, api: str, repository: str, headers: dict[str, str]) -> _Place:
    return _Place(
        me=f"{api}/user",
        comments=f"{repository}/issues/{_number(notice)}/comments",
        query="per_page=100",
        comment=f"{repository}/issues/comments",
        change="PATCH",
        author="user",
        login="login",
        marker="flux-pr-comment-key",
        headers=headers,
    )


async def _notify(notice: Notice, send: Send, place: _Place) -> None:
    event = notice.event
    marker = f"<!-- {place.marker}:{notice.provider_uid}/{event.object_path} -->"
    payload = {"body": f"{marker}\n\n{status_text(notice)}"}
    me = (await send(Request(place.me, method="GET", headers=place.headers))).json()
    listing = Request(f"{place.comments}?{place.query}", method="GET", headers=place.headers)
    ours = _ours((await send(listing)).json(), place, me, marker)
    if ours is None:
        await send(json_request(place.comments, payload, place.headers))
    else:
        change = json_request(f"{place.comment}/{ours}", payload, place.headers)
        await send(Request(change.url, change.body, method=place.change, headers=change.headers))


def _ours(comments: Any, place: _Place, me: Any, marker: str) -> int | None:
    """The number of our comment among the first page; nobody else's, whatever it quotes."""
    login = me.get(place.login) if isinstance(me, dict) else None
    if not isinstance(login, str) or not isinstance(comments, list):
        raise Refused("the platform's answer about users or comments makes no sense")
    for item in comments:
        author = item.get(place.author) if isinstance(item, dict) else None
        if not isinstance(author, dict) or author.get(place.login) != login:
            continue
        if marker in str(item.get("body")) and isinstance(item.get("id"), int):
            return int(item["id"])
    return None


def _number(notice: Notice) -> int:
    text = notice.event.metadata.get("change_request", "")
    if not text.isascii() or not text.isdigit() or len(text) > _LONGEST_NUMBER:
        raise Refused(f"invalid \"change_request\" metadata value '{text[:64]}'")
    return int(text)
