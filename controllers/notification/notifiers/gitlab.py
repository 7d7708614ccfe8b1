"""GitLab: commit statuses (11.3)."""

from __future__ import annotations

from urllib.parse import quote

from controllers.notification.notifiers.notice import Notice, Send, describe
from controllers.notification.notifiers.repository import PROGRESSING, choose, commit_of, parse_repository
from controllers.notification.outgoing import Refused, Request, json_request


async def notify_status(notice: Notice, send: Send) -> None:
    """Nothing is posted when any entry says the same already: GitLab refuses to repeat a state."""
    event = notice.event
    if event.reason == PROGRESSING:
        return
    headers, url, commit = headers_of(notice), project_url(notice), commit_of(event)
    state = choose(event, good="success", bad="failed")
    status = {"state": state, "name": notice.status_id, "description": describe(event.reason)}
    query = quote(notice.status_id, safe="")
    listing = Request(
        f"{url}/repository/commits/{commit}/statuses?name={query}", method="GET", headers=headers
    )
    found = (await send(listing)).json()
    if not isinstance(found, list):
        raise Refused("the list of commit statuses is not a list")
    wanted = {
        "sha": commit,
        "status": state,
        "description": status["description"],
        "name": notice.status_id,
    }
    if not any(isinstance(item, dict) and wanted.items() <= _texts(item).items() for item in found):
        await send(json_request(f"{url}/statuses/{commit}", status, headers))


def headers_of(notice: Notice) -> dict[str, str]:
    """Raises Refused without a token."""
    if not notice.token.strip():
        raise Refused("gitlab token cannot be empty")
    return {"PRIVATE-TOKEN": notice.token.strip()}


def project_url(notice: Notice) -> str:
    repository = parse_repository(notice.address)
    return f"{repository.server}/api/v4/projects/{quote(repository.path, safe='')}"


def _texts(item: dict[str, object]) -> dict[str, str]:
    return {key: value for key, value in item.items() if isinstance(value, str)}
