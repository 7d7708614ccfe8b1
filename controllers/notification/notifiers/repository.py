"""Which repository and which commit an event is about, for the Git platforms (specs/notification.md 11.1)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit

from controllers.notification.event import ERROR, INFO, Event
from controllers.notification.outgoing import Refused

PROGRESSING = "Progressing"

_SCP = re.compile(r"(?:[^@/\s]+@)?(?P<host>[^:/\s]+):(?P<path>[^\s]+)\Z")
_REVISION = re.compile(
    r"(?:.*@)?(?:sha1|sha256):(?P<modern>[0-9a-f]{40,64})\Z|(?:.*/)?(?P<bare>[0-9a-f]{40,64})\Z"
)


@dataclass(frozen=True, slots=True)
class Repository:
    """`server` is `https://host[:port]`; `path` has neither a leading slash nor `.git`."""

    server: str
    path: str

    @property
    def host(self) -> str:
        return urlsplit(self.server).hostname or ""

    def segments(self, count: int) -> list[str]:
        """The parts of the path, escaped for URLs. Raises Refused unless there are exactly that many."""
        parts = self.path.split("/")
        if len(parts) != count or not all(parts):
            raise Refused(f"the address must name a repository with {count} parts, not {self.path[:128]!r}")
        return [quote(part, safe="") for part in parts]


def parse_repository(address: str) -> Repository:
    """From an http(s), ssh or scp-like clone URL; who logs in is left out. Raises Refused."""
    try:
        parts = urlsplit(address)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise Refused("the address is no repository URL") from error
    if parts.scheme in {"http", "https", "ssh"} and host:
        scheme, path = parts.scheme.replace("ssh", "https"), parts.path
        host = f"[{host}]" if ":" in host else host
        server = f"{scheme}://{host}:{port}" if port else f"{scheme}://{host}"
    elif "://" not in address and (scp := _SCP.match(address)):
        server, path = f"https://{scp['host']}", scp["path"]
    else:
        raise Refused("the address is no repository URL")
    path = path.lstrip("/").removesuffix(".git")
    if not path:
        raise Refused("the address names no repository")
    return Repository(server, path)


def commit_of(event: Event) -> str:
    """The hash of the commit that the event is about. Raises Refused when it names none."""
    revision = next(
        (found for key in ("commit", "originRevision", "revision") if (found := event.metadata.get(key))), ""
    )
    if not revision:
        raise Refused("missing revision metadata")
    match = _REVISION.match(revision)
    if match is None:
        raise Refused(f"failed to extract commit hash from '{revision[:256]}' revision")
    return match["modern"] or match["bare"]


def choose(event: Event, *, good: str, bad: str) -> str:
    """The platform's word for the severity. Raises Refused for severities that are no verdict."""
    if event.severity not in {INFO, ERROR}:
        raise Refused(f"a {event.severity[:32]!r} event has no commit status")
    return bad if event.is_error else good


def says_already(statuses: Any, wanted: dict[str, Any], *, by: str) -> bool:
    """Does the latest status of that name (the first listed) say all that we want to say?"""
    if not isinstance(statuses, list):
        raise Refused("the list of commit statuses is not a list")
    known = (item for item in statuses if isinstance(item, dict))
    latest = next((item for item in known if item.get(by) == wanted[by]), None)
    return latest is not None and all(latest.get(key) == value for key, value in wanted.items())
