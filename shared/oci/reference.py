"""Names in registries: hosts, repositories, tags, digests (OCI distribution specification 1.1): pure."""

import hashlib
import re
from dataclasses import dataclass
from typing import Self

from shared.oci.errors import InvalidReference

SCHEME = "oci://"
DOCKER_HUB = "index.docker.io"

_MAX_NAME = 255
_HUB_ALIASES = frozenset({"docker.io", "registry-1.docker.io", DOCKER_HUB})
_HOST = re.compile(
    r"(?:\[[0-9a-fA-F:.]{2,45}\]|[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?"
    r"(?:\.[a-zA-Z0-9](?:[a-zA-Z0-9-]{0,62}[a-zA-Z0-9])?){0,40})(?::[0-9]{1,5})?"
)
_PATH = re.compile(r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}|sha512:[0-9a-f]{128}")


@dataclass(frozen=True, slots=True)
class Repository:
    """`host` is lower case, with the port where one is given; `path` has no leading slash."""

    host: str
    path: str

    @classmethod
    def parse(cls, url: str) -> Self:
        """Read `oci://host[:port]/path`. Raises InvalidReference, also for a tag or digest in it."""
        if not url.startswith(SCHEME):
            raise InvalidReference(f"URL must begin with '{SCHEME}'")
        text = url.removeprefix(SCHEME)
        first, _, rest = text.partition("/")
        if "@" in rest or ":" in rest:
            raise InvalidReference(
                f"URL must not contain a tag or a digest: '{shown(url)}'; that is what spec.ref is for"
            )
        is_host = "." in first or ":" in first or first == "localhost"
        host, path = (first, rest) if is_host else (DOCKER_HUB, text)
        host = host.lower()
        if host in _HUB_ALIASES:
            host, path = DOCKER_HUB, path if "/" in path else f"library/{path}"
        if not _HOST.fullmatch(host) or not _is_port(host.rpartition("]")[2].partition(":")[2]):
            raise InvalidReference(f"invalid registry host in URL '{shown(url)}'")
        if len(path) > _MAX_NAME or not _PATH.fullmatch(path):
            raise InvalidReference(
                f"invalid repository name in URL '{shown(url)}': lower-case letters, digits and separators"
            )
        return cls(host, path)

    def at(self, reference: str) -> str:
        """How people write a tag or digest of this repository."""
        return f"{self}@{reference}" if ":" in reference else f"{self}:{reference}"

    def __str__(self) -> str:
        return f"{self.host}/{self.path}"


def _is_port(text: str) -> bool:
    return not text or 0 < int(text) < 65_536


def shown(url: str) -> str:
    """A URL fit for messages: without user information and query, and not too long."""
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    clean = f"{scheme}{separator}{authority.rpartition('@')[2]}{slash}{path.partition('?')[0]}"
    return clean[:200]


def require_tag(text: str) -> None:
    """Raises InvalidReference."""
    if not _TAG.fullmatch(text):
        raise InvalidReference(f"invalid tag {text[:130]!r}")


def require_digest(text: str) -> None:
    """Only algorithms that the image specification registers. Raises InvalidReference."""
    if not is_digest(text):
        raise InvalidReference(f"invalid digest {text[:150]!r}: it must be 'sha256:' and 64 hex digits")


def is_digest(text: str) -> bool:
    return _DIGEST.fullmatch(text) is not None


def digest_of(content: bytes, like: str = "sha256:") -> str:
    """The digest of some bytes, by the algorithm of another digest."""
    algorithm = like.partition(":")[0]
    return f"{algorithm}:{hashlib.new(algorithm, content).hexdigest()}"
