"""Azure DevOps: commit statuses (11.3)."""

from __future__ import annotations

from controllers.notification.notifiers.notice import Notice, Send, basic, describe
from controllers.notification.notifiers.repository import PROGRESSING, choose, commit_of, parse_repository
from controllers.notification.outgoing import Refused, Request, json_request

_VERSION = "api-version=7.1"


async def notify_status(notice: Notice, send: Send) -> None:
    event = notice.event
    if event.reason == PROGRESSING:
        return
    if not notice.token.strip():
        raise Refused("azuredevops token cannot be empty: workload identity is not offered")
    headers = basic("", notice.token.strip())
    url = f"{_repository_url(notice)}/commits/{commit_of(event)}/statuses"
    summary = event.metadata.get("summary")
    context = {"genre": f"fluxcd:{summary}" if summary else "fluxcd", "name": notice.status_id}
    verdict = {
        "state": choose(event, good="succeeded", bad="error"),
        "description": describe(event.reason),
    }
    listing = Request(f"{url}?{_VERSION}&latestOnly=true", method="GET", headers=headers)
    if not _says_already((await send(listing)).json(), context, verdict):
        await send(json_request(f"{url}?{_VERSION}", verdict | {"context": context}, headers))


def _says_already(answer: object, context: dict[str, str], verdict: dict[str, str]) -> bool:
    listed = answer.get("value") if isinstance(answer, dict) else None
    for item in listed if isinstance(listed, list) else []:
        found = item.get("context") if isinstance(item, dict) else None
        if isinstance(found, dict) and all(found.get(key) == value for key, value in context.items()):
            return all(item.get(key) == value for key, value in verdict.items())
    return False


def _repository_url(notice: Notice) -> str:
    repository = parse_repository(notice.address)
    organisation, project, marker, name = repository.segments(4)
    if marker != "_git":
        raise Refused("the address of an azuredevops provider is <server>/<org>/<project>/_git/<repository>")
    return f"{repository.server}/{organisation}/{project}/_apis/git/repositories/{name}"
