"""Where a repository is and what opens it: values that travel to the worker process.

Everything secret has `repr=False`, so that neither a log line nor a traceback can show it.
"""

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self
from urllib.parse import SplitResult, unquote, urlsplit, urlunsplit

from shared.git.errors import InvalidRemote
from shared.logic.proxy_url import with_login

_MAX_URL = 4_096
_MAX_REF = 1_024
_SCHEMES = ("http", "https", "ssh")
_PROXY_SCHEMES = ("http", "https", "socks5")
_MAX_PROXY_URL = 2_048

# git-check-ref-format: control characters, space, ~ ^ : ? * [ \, "..", "@{", empty components, ".lock".
_BAD_IN_REF = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|//|(^|/)\.|\.lock(/|$)|\.$|^-")


@dataclass(frozen=True, slots=True)
class Proxy:
    """A proxy's URL without credentials, and the credentials."""

    url: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        scheme = urlsplit(self.url).scheme
        if scheme not in _PROXY_SCHEMES or len(self.url) > _MAX_PROXY_URL:
            raise InvalidRemote(
                f"proxy address must be a URL of {', '.join(_PROXY_SCHEMES)}, "
                f"with at most {_MAX_PROXY_URL} characters"
            )

    @property
    def with_credentials(self) -> str:
        """One URL with everything in it, for libraries that want it so: never to be shown."""
        return with_login(self.url, self.username, self.password)


@dataclass(frozen=True, slots=True)
class Remote:
    """A repository's URL without user information, with all that is needed to open it.

    PEM and known_hosts are text. `ca` is trusted beside the system's authorities, not instead of them.
    """

    url: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)
    ca: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    identity: str = field(default="", repr=False)
    passphrase: str = field(default="", repr=False)
    known_hosts: str = field(default="", repr=False)
    kex_algorithms: tuple[str, ...] = ()
    host_key_algorithms: tuple[str, ...] = ()
    proxy: Proxy | None = None

    def render(self) -> dict[str, Any]:
        """As JSON, secrets included: only for the pipe to a worker."""
        return asdict(self)

    @classmethod
    def parse(cls, raw: Mapping[str, Any]) -> Self:
        fields = dict(raw)
        proxy = fields.pop("proxy", None)
        for name in ("kex_algorithms", "host_key_algorithms"):
            fields[name] = tuple(fields.get(name) or ())
        return cls(**fields, proxy=Proxy(**proxy) if proxy else None)

    @property
    def origin(self) -> tuple[str, str, int]:
        """Scheme, host and port: what credentials are for."""
        return origin_of(self.url)

    def without_credentials(self, url: str) -> "Remote":
        """Another repository, opened with nothing but the trusted authorities and the proxy."""
        return Remote(url, ca=self.ca, proxy=self.proxy)


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """A URL taken apart: `clean` has no user information."""

    clean: str
    scheme: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)


def parse_url(url: str) -> RemoteUrl:
    """Check a repository's URL and take the user information out. Raises InvalidRemote."""
    if len(url) > _MAX_URL or not url.isprintable() or " " in url:
        raise InvalidRemote("invalid URL: too long, or with spaces or control characters")
    parts = _split(url)
    if parts.scheme not in _SCHEMES:
        raise InvalidRemote(f"invalid URL '{shown(url)}': the scheme must be one of {', '.join(_SCHEMES)}")
    host = parts.hostname or ""
    # A host or user that starts with a dash is how options get smuggled into other programs.
    if not host or host.startswith("-") or (parts.username or "").startswith("-"):
        raise InvalidRemote(f"invalid URL '{shown(url)}': no usable host")
    netloc = parts.netloc.rpartition("@")[2]
    clean = urlunsplit((parts.scheme, netloc, parts.path, parts.query, ""))
    return RemoteUrl(clean, parts.scheme, unquote(parts.username or ""), unquote(parts.password or ""))


def shown(url: str) -> str:
    """A URL fit for messages: without user information and query."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return "<unparsable>"
    return urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))[:300]


def origin_of(url: str) -> tuple[str, str, int]:
    parts = _split(url)
    port = parts.port or {"http": 80, "https": 443, "ssh": 22}.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), port


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise InvalidRemote(f"invalid URL: {error}") from error
    return parts


def require_valid_ref(ref: str) -> None:
    """Refuse what git itself would refuse as a ref's full or short name. Raises InvalidRemote."""
    text = ref if len(ref) <= 100 else f"{ref[:100]}..."
    if not ref or len(ref.encode("utf-8", "surrogatepass")) > _MAX_REF:
        raise InvalidRemote(f"invalid ref name '{text}': empty or longer than {_MAX_REF} bytes")
    if ref.startswith("/") or ref.endswith("/") or _BAD_IN_REF.search(ref) or _has_surrogates(ref):
        raise InvalidRemote(f"invalid ref name {text!r}")


def _has_surrogates(text: str) -> bool:
    return any(0xD800 <= ord(char) <= 0xDFFF for char in text)
