"""Bitbucket, the cloud and the server: build statuses (11.3)."""

from __future__ import annotations

import hashlib

from controllers.notification.notifiers.notice import Notice, Send, basic, bearer, describe
from controllers.notification.notifiers.repository import (
    PROGRESSING,
    Repository,
    choose,
    commit_of,
    parse_repository,
)
from controllers.notification.outgoing import Answer, Refused, Request, json_request

API = "https://api.bitbucket.org/2.0"
_ABSENT = frozenset({404})


async def notify_cloud(notice: Notice, send: Send) -> None:
    event = notice.event
    if event.reason == PROGRESSING:
        return
    owner, name = parse_repository(notice.address).segments(2)
    url = f"{API}/repositories/{owner}/{name}/commit/{commit_of(event)}/statuses/build"
    headers, key = _login(notice), key_of(notice.status_id)
    status = {
        "state": choose(event, good="SUCCESSFUL", bad="FAILED"),
        "key": key,
        "name": _title(notice),
        "description": describe(event.reason),
        "url": "https://bitbucket.org",
    }
    found = await send(Request(f"{url}/{key}", method="GET", headers=headers, tolerated=_ABSENT))
    if not _same(found, status):
        await send(json_request(url, status, headers))


async def notify_server(notice: Notice, send: Send) -> None:
    event = notice.event
    if event.reason == PROGRESSING:
        return
    url, headers = f"{_server_url(notice)}/commits/{commit_of(event)}/builds", _server_login(notice)
    description, key = describe(event.reason), key_of(notice.status_id)
    status = {
        "key": key,
        "state": choose(event, good="SUCCESSFUL", bad="FAILED"),
        "url": notice.address,
        "description": description,
        "name": f"{_title(notice)} [{description}]",
    }
    found = await send(Request(f"{url}?key={key}", method="GET", headers=headers, tolerated=_ABSENT))
    if not _same(found, status):
        await send(json_request(url, status, headers))


def key_of(status_id: str) -> str:
    """Keys have 40 characters at most, so the name is hashed."""
    return hashlib.sha1(status_id.encode(), usedforsecurity=False).hexdigest()


def _title(notice: Notice) -> str:
    return f"{notice.event.kind}/{notice.event.name}".lower()


def _same(answer: Answer, status: dict[str, str]) -> bool:
    if answer.status in _ABSENT:
        return False
    found = answer.json()
    return isinstance(found, dict) and all(found.get(key) == status[key] for key in ("state", "description"))


def _login(notice: Notice) -> dict[str, str]:
    token = notice.token.strip()
    if not token:
        raise Refused("bitbucket token cannot be empty")
    if token.count(":") != 1:
        raise Refused("invalid token format, expected to be <user>:<password>")
    return basic(*token.split(":"))


def _server_login(notice: Notice) -> dict[str, str]:
    found = notice.credentials
    # Without these two Bitbucket takes us for a browser and refuses to write.
    headers = {"x-atlassian-token": "no-check", "x-requested-with": "XMLHttpRequest"}
    if found.token.strip():
        return headers | bearer(found.token)
    if found.username and found.password:
        return headers | basic(found.username, found.password)
    raise Refused("invalid credentials, expected to be one of username/password or API Token")


def _server_url(notice: Notice) -> str:
    """What stands before the last `/scm/` of a clone URL is where the server lives."""
    whole = parse_repository(notice.address)
    context, scm, rest = f"/{whole.path}".rpartition("/scm/")
    if not scm or not notice.address.startswith(("http://", "https://")):
        raise Refused("the address of a bitbucketserver provider is an http(s) clone URL with '/scm/'")
    project, name = Repository(whole.server, rest).segments(2)
    return f"{whole.server}{context}/rest/api/latest/projects/{project}/repos/{name}"
