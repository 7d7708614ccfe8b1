"""Resources that lie on the network: how their addresses read, and what a caller may give for them.

The engine itself never goes there. It asks a `Remotes`, which answers from what it holds, or raises
RemoteNeeded: then the caller fetches what is named there and builds again.
"""

import re
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from shared.kustomize.errors import RemoteRefused
from shared.kustomize.filesystem import Tree

DEFAULT_SECONDS = 27.0

_ADDRESS = re.compile(
    r"(git::|gh:|file://|ssh://|https?://|git@|github\.com[:/]|[\w.-]+@[\w.-]+:)", re.IGNORECASE
)
_REPOSITORY = re.compile(r"[^/]+\.[^/]+/.*(\.git(/|$|\?)|//|\?ref=)")
_SCHEME = re.compile(r"(ssh|https?|file)://", re.IGNORECASE)
_USER = re.compile(r"[a-zA-Z][a-zA-Z0-9-]*@")
_GITHUB = re.compile(r"(gh:|(www\.)?github\.com[:/])", re.IGNORECASE)
_MAX_LENGTH = 2_048
_FALSE = ("0", "f", "F", "false", "FALSE", "False")


@dataclass(frozen=True, slots=True)
class GitAddress:
    """A directory of a repository: `url` is what git clones, `ref` empty means its HEAD."""

    url: str
    directory: str = ""
    ref: str = ""
    seconds: float = DEFAULT_SECONDS
    submodules: bool = True


class RemoteDirectory(NamedTuple):
    """A kustomization fetched from elsewhere: a tree, and the directory of it to build."""

    tree: Tree
    path: str


class RemoteNeeded(Exception):
    """The build asks for these files (as URLs) and directories, all that are known by now."""

    def __init__(self, wanted: frozenset[str | GitAddress]) -> None:
        super().__init__(f"{len(wanted)} remote resources are needed")
        self.wanted = wanted


class Remotes(Protocol):
    """What a build has of the network. Both raise RemoteNeeded, and BuildError for what cannot be had."""

    def file(self, url: str) -> bytes: ...

    def directory(self, address: GitAddress) -> RemoteDirectory: ...


def is_remote(path: str) -> bool:
    """Whether a resource is an address on the network (or of a repository) and no path."""
    return "\n" not in path and (_ADDRESS.match(path) is not None or _REPOSITORY.match(path) is not None)


def is_web(path: str) -> bool:
    """Whether it may be a single file behind http or https."""
    return path.lower().startswith(("http://", "https://"))


def shown_address(path: str) -> str:
    """An address for a message: without credentials, on one line, and not too long."""
    text = re.sub(r"(?<=://)[^/@]*@", "", path)
    return repr(text if len(text) <= 200 else f"{text[:200]}...")[1:-1]


def parse_git_address(text: str) -> GitAddress:
    """Read an address as kustomize does. Raises RemoteRefused, which says what is wrong with it."""
    from urllib.parse import parse_qs  # a build without remote resources starts faster

    if len(text) > _MAX_LENGTH or not text.isprintable() or " " in text:
        raise RemoteRefused("the address is too long, or has spaces or control characters")
    rest, _, query = text.partition("?")
    host, rest = _host(rest.removeprefix("git::"))
    repository, directory = _divided(rest)
    if not repository:
        raise RemoteRefused(f"{shown_address(text)}: no repository is named")
    if _leaves(directory):
        raise RemoteRefused(f"{shown_address(text)}: the path leads out of the repository")
    values = {name: found[-1] for name, found in parse_qs(query).items()}
    return GitAddress(
        host + repository,
        directory.strip("/"),
        values.get("ref") or values.get("version") or "",
        _seconds(values.get("timeout", "")),
        values.get("submodules", "") not in _FALSE,
    )


def _host(text: str) -> tuple[str, str]:
    """What comes before the path, as a URL: scheme, user and host; and the path."""
    scheme = found[0].lower() if (found := _SCHEME.match(text)) else ""
    rest = text[len(scheme) :]
    user = found[0] if scheme != "file://" and (found := _USER.match(rest)) else ""
    rest = rest[len(user) :]
    if scheme == "file://":
        raise RemoteRefused("repositories on the controller's own disk are not allowed")
    if github := _GITHUB.match(rest):
        by_ssh = scheme == "ssh://" or bool(user)
        return f"ssh://{user or 'git@'}github.com/" if by_ssh else "https://github.com/", rest[github.end() :]
    if not scheme:
        # git's short form for ssh: user@host:path
        host, colon, path = rest.partition(":")
        if not (user and colon and host and "/" not in host):
            raise RemoteRefused(f"{shown_address(text)}: no URL of a repository")
        return f"ssh://{user}{host}/", path.lstrip("/")
    host, slash, path = rest.partition("/")
    if not (host and slash):
        raise RemoteRefused(f"{shown_address(text)}: no URL of a repository")
    return f"{scheme}{user}{host}/", path


def _divided(path: str) -> tuple[str, str]:
    """The repository and the directory in it: at `_git/NAME/`, `//`, `.git`, or after two segments."""
    if "_git/" in path:
        before, _, after = path.partition("_git/")
        name, _, directory = after.partition("/")
        return f"{before}_git/{name}", directory
    if "//" in path:
        before, _, directory = path.partition("//")
        return before, directory
    if ".git" in path:
        before, _, directory = path.partition(".git")
        return f"{before}.git", directory
    segments = path.split("/")
    if len(segments) < 2:
        return "", ""
    return "/".join(segments[:2]), "/".join(segments[2:])


def _leaves(directory: str) -> bool:
    depth = 0
    for step in directory.split("/"):
        depth += -1 if step == ".." else 0 if step in ("", ".") else 1
        if depth < 0:
            return True
    return False


def _seconds(text: str) -> float:
    """A number of seconds or a duration; anything else counts as absent."""
    from shared.model.duration import InvalidDuration, parse_duration

    if text.isascii() and text.isdigit() and len(text) < 10 and int(text):
        return float(text)
    try:
        return parse_duration(text).total_seconds() or DEFAULT_SECONDS
    except InvalidDuration:
        return DEFAULT_SECONDS
