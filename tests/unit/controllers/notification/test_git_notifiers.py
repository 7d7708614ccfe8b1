"""Commit statuses and comments against a loopback server that answers as the platforms do."""

from __future__ import annotations

from typing import Any

import pytest

from controllers.notification.notifiers import NOTIFIERS
from controllers.notification.notifiers.bitbucket import key_of
from controllers.notification.notifiers.notice import Notice, describe
from controllers.notification.notifiers.repository import Repository, commit_of, parse_repository
from controllers.notification.outgoing import Answer, Outgoing, Refused, Request, open_session
from tests.fakes.webhook_sink import Call, Reply, Sink, running_sink
from tests.unit.controllers.notification.words import COMMIT, PROVIDER_UID, event, notice

CONTEXT = "kustomization/webapp/0c9c2e41"
WORDS = "health check failed"


@pytest.mark.parametrize(
    ("address", "server", "path"),
    [
        ("https://github.com/org/repo.git", "https://github.com", "org/repo"),
        ("https://user:pw@git.example.com:8443/org/repo", "https://git.example.com:8443", "org/repo"),
        ("ssh://git@github.com/org/repo.git", "https://github.com", "org/repo"),
        ("ssh://git@git.example.com:2222/a/b/c", "https://git.example.com:2222", "a/b/c"),
        ("git@github.com:org/repo.git", "https://github.com", "org/repo"),
        ("http://[::1]:3000/o/r", "http://[::1]:3000", "o/r"),
    ],
)
def test_addresses(address: str, server: str, path: str) -> None:
    assert parse_repository(address) == Repository(server, path)


@pytest.mark.parametrize(
    "address", ["", "github.com", "ftp://x/y/z", "https://github.com", "https://[::1", "a b:c"]
)
def test_what_is_no_repository(address: str) -> None:
    with pytest.raises(Refused):
        parse_repository(address).segments(2)


@pytest.mark.parametrize(
    "revision",
    [f"main@sha1:{COMMIT}", f"sha1:{COMMIT}", f"main/{COMMIT}", COMMIT, f"feature/a@b@sha1:{COMMIT}"],
)
def test_commits(revision: str) -> None:
    assert commit_of(event(metadata={"revision": revision})) == COMMIT


def test_the_users_commit_comes_first() -> None:
    other = "0" * 40
    given = {"revision": COMMIT, "originRevision": COMMIT, "commit": f"main@sha1:{other}"}
    assert commit_of(event(metadata=given)) == other
    for bad in ({}, {"revision": "6.5.0"}, {"revision": "sha1:xyz"}):
        with pytest.raises(Refused):
            commit_of(event(metadata=bad))


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("HealthCheckFailed", WORDS),
        ("PDFLoader", "pdf loader"),
        ("Error404Found", "error 404 found"),
        ("", ""),
    ],
)
def test_descriptions(reason: str, words: str) -> None:
    assert describe(reason) == words


STATUSES: dict[str, tuple[str, dict[str, Any], str, str, Any, Any]] = {
    "github": (
        "/org/repo", {"token": "t"},
        f"/api/v3/repos/org/repo/commits/{COMMIT}/statuses?per_page=50", f"/api/v3/repos/org/repo/statuses/{COMMIT}",
        {"state": "failure", "context": CONTEXT, "description": WORDS},
        [{"state": "failure", "context": CONTEXT, "description": WORDS}],
    ),
    "gitea": (
        "/org/repo", {"token": "t"},
        f"/api/v1/repos/org/repo/commits/{COMMIT}/statuses?page=1&limit=50", f"/api/v1/repos/org/repo/statuses/{COMMIT}",
        {"state": "failure", "target_url": "", "context": CONTEXT, "description": WORDS},
        [{"status": "failure", "context": CONTEXT, "description": WORDS}],
    ),
    "gitlab": (
        "/group/sub/repo.git", {"token": "t"},
        f"/api/v4/projects/group%2Fsub%2Frepo/repository/commits/{COMMIT}/statuses?name=kustomization/webapp/0c9c2e41",
        f"/api/v4/projects/group%2Fsub%2Frepo/statuses/{COMMIT}",
        {"state": "failed", "name": CONTEXT, "description": WORDS},
        [{}, {"sha": COMMIT, "status": "failed", "name": CONTEXT, "description": WORDS}],
    ),
    "bitbucketserver": (
        "/context/scm/PRJ/repo.git", {"username": "u", "password": "p"},
        f"/context/rest/api/latest/projects/PRJ/repos/repo/commits/{COMMIT}/builds?key={key_of(CONTEXT)}",
        f"/context/rest/api/latest/projects/PRJ/repos/repo/commits/{COMMIT}/builds",
        {"key": key_of(CONTEXT), "state": "FAILED", "url": "ADDRESS", "description": WORDS,
         "name": f"kustomization/webapp [{WORDS}]"},
        {"state": "FAILED", "description": WORDS},
    ),
    "azuredevops": (
        "/org/project/_git/repo", {"token": "t"},
        f"/org/project/_apis/git/repositories/repo/commits/{COMMIT}/statuses?api-version=7.1&latestOnly=true",
        f"/org/project/_apis/git/repositories/repo/commits/{COMMIT}/statuses?api-version=7.1",
        {"state": "error", "description": WORDS, "context": {"genre": "fluxcd", "name": CONTEXT}},
        {"value": [{"state": "error", "description": WORDS, "context": {"genre": "fluxcd", "name": CONTEXT}}]},
    ),
}  # fmt: skip


async def notified(kind: str, given: Notice) -> None:
    async with open_session() as session:
        await NOTIFIERS[kind](given, Outgoing(session, 5.0).send)


@pytest.mark.parametrize("kind", STATUSES)
async def test_a_status_is_set_once(kind: str) -> None:
    path, credentials, read, written, payload, already = STATUSES[kind]
    async with running_sink() as sink:
        given = notice(address=f"{sink.url}{path}", **credentials)
        empty: Any = {} if isinstance(already, dict) else []
        sink.answer = lambda call: Reply(200, empty if call.method == "GET" else {})
        await notified(kind, given)
        assert [(call.method, call.path) for call in sink.calls] == [("GET", read), ("POST", written)]
        expected = {key: given.address if value == "ADDRESS" else value for key, value in payload.items()}
        assert sink.calls[1].json == expected
        sink.calls.clear()
        sink.answer = lambda _call: Reply(200, already)
        await notified(kind, given)
        assert [call.method for call in sink.calls] == ["GET"]


async def test_bitbucket_cloud() -> None:
    sent: list[Request] = []

    async def send(request: Request) -> Answer:
        sent.append(request)
        return Answer(404 if request.method == "GET" else 201, b"{}")

    given = notice(address="https://bitbucket.org/org/repo.git", token="user:app-password", error=False)
    await NOTIFIERS["bitbucket"](given, send)
    base = f"https://api.bitbucket.org/2.0/repositories/org/repo/commit/{COMMIT}/statuses/build"
    assert [request.url for request in sent] == [f"{base}/{key_of(CONTEXT)}", base]
    assert sent[0].headers["Authorization"] == "Basic dXNlcjphcHAtcGFzc3dvcmQ="
    with pytest.raises(Refused, match="<user>:<password>"):
        await NOTIFIERS["bitbucket"](notice(address="https://bitbucket.org/org/repo", token="a:b:c"), send)


def test_the_key_of_the_contract() -> None:
    assert key_of("kustomization/gitops-system/0c9c2e41") == "c99410a43c260fddd152a40c296bddfa0b8fd879"


@pytest.mark.parametrize("kind", ["github", "gitlab", "bitbucket", "bitbucketserver", "azuredevops"])
async def test_progress_is_no_verdict(kind: str) -> None:
    async def send(_request: Request) -> Answer:
        raise AssertionError("nothing is to be said")

    await NOTIFIERS[kind](notice(reason="Progressing"), send)


@pytest.mark.parametrize("kind", [*STATUSES, "bitbucket"])
async def test_credentials_are_needed(kind: str) -> None:
    path = STATUSES[kind][0] if kind in STATUSES else "/org/repo"
    with pytest.raises(Refused):
        await notified(kind, notice(address=f"http://127.0.0.1:1{path}"))


MARKER = f"<!-- flux-pr-comment-key:{PROVIDER_UID}/Kustomization/apps/webapp -->"
COMMENTS = {
    "githubpullrequestcomment": ("/api/v3", "issues/7/comments", "issues/comments/2", "PATCH", MARKER, "login", "user"),
    "giteapullrequestcomment": ("/api/v1", "issues/7/comments", "issues/comments/2", "PATCH", MARKER, "login", "user"),
    "gitlabmergerequestcomment": (
        "/api/v4", "merge_requests/7/notes", "merge_requests/7/notes/2", "PUT",
        MARKER.replace("-pr-", "-mr-"), "username", "author",
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", COMMENTS)
async def test_one_comment_for_each_object(kind: str) -> None:
    api, listing, changed, method, marker, login, author = COMMENTS[kind]
    comments: list[dict[str, Any]] = [{"id": 1, author: {login: "mallory"}, "body": marker}]

    def answer(call: Call) -> Reply:
        if call.path == f"{api}/user":
            return Reply(200, {login: "bot"})
        return Reply(200, comments if call.method == "GET" else {})

    async with running_sink() as sink:
        sink.answer = answer
        given = notice(address=f"{sink.url}/org/repo", token="t", metadata={"change_request": "7", "a": "b"})
        await notified(kind, given)
        assert last(sink) == ("POST", listing)
        assert sink.calls[-1].json["body"] == (
            f"{marker}\n\n## Flux Status\n\n⚠️ Kustomization/apps/webapp\n\nHealth check failed after 30s\n"
            "\nMetadata:\n* `a`: b\n"
        )
        comments.append({"id": 2, author: {login: "bot"}, "body": marker})
        await notified(kind, given)
        assert last(sink) == (method, changed)
        for number in ("", "7a", "9" * 30, "-1"):
            with pytest.raises(Refused, match="change_request"):
                await notified(
                    kind, notice(address=sink.url + "/o/r", token="t", metadata={"change_request": number})
                )


def last(sink: Sink) -> tuple[str, str]:
    call = sink.calls[-1]
    path = call.path.partition("?")[0]
    for prefix in ("/repos/org/repo/", "/projects/org%2Frepo/"):
        path = path.partition(prefix)[2] or path
    return call.method, path
