"""Which credentials of a docker configuration open a repository: the kubelet's rules: pure.

A key is a host, perhaps with globs in its labels and a port, perhaps with a path that must be a prefix;
the longest key that matches wins.
"""

import base64
import binascii
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from typing import Any

from shared.oci.errors import InvalidContent, InvalidCredentials
from shared.oci.manifest import parse_object
from shared.oci.reference import DOCKER_HUB, Repository

_MAX_BYTES = 1024 * 1024
_HUB_KEYS = frozenset({"docker.io", "registry-1.docker.io", DOCKER_HUB})


@dataclass(frozen=True, slots=True)
class Login:
    """Either a name and password, or a token to exchange (`identity`), or one to use as it is (`bearer`)."""

    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    identity: str = field(default="", repr=False)
    bearer: str = field(default="", repr=False)

    def __bool__(self) -> bool:
        return bool(self.username or self.password or self.identity or self.bearer)


ANONYMOUS = Login()


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of `auths`, taken apart, and its login."""

    host: str
    path: str
    login: Login

    def opens(self, repository: Repository) -> bool:
        host, _, port = repository.host.partition(":")
        wanted, _, wanted_port = self.host.partition(":")
        parts, globs = host.split("."), wanted.split(".")
        return (
            (not wanted_port or wanted_port == port)
            and len(parts) == len(globs)
            and all(fnmatchcase(part, glob) for part, glob in zip(parts, globs, strict=True))
            and f"{repository.path}/".startswith(self.path and f"{self.path}/")
        )


def parse_docker_config(raw: bytes, *, legacy: bool = False) -> list[Entry]:
    """Read `.dockerconfigjson`, or the older `.dockercfg`. Raises InvalidCredentials, quoting nothing."""
    if len(raw) > _MAX_BYTES:
        raise InvalidCredentials(f"docker configuration is larger than {_MAX_BYTES} bytes")
    try:
        document = parse_object(raw, "docker configuration")
    except InvalidContent as error:
        # The parser's words could quote the text.
        raise InvalidCredentials("docker configuration is not a JSON object") from error
    auths = document if legacy else document.get("auths", {})
    if not isinstance(auths, dict):
        raise InvalidCredentials("'auths' of the docker configuration is not an object")
    return [_entry(key, value) for key, value in auths.items()]


def find_login(entries: Iterable[Entry], repository: Repository) -> Login:
    """The login of the most specific key; ANONYMOUS where none matches."""
    matching = [entry for entry in entries if entry.opens(repository) and entry.login]
    best = max(matching, key=lambda entry: (len(entry.path), len(entry.host)), default=None)
    return best.login if best else ANONYMOUS


def _entry(key: str, value: object) -> Entry:
    if not isinstance(value, dict):
        raise InvalidCredentials(f"docker configuration: the entry for '{key[:100]}' is not an object")
    bare = key.partition("://")[2] or key
    host, _, path = bare.partition("/")
    for version in ("v1", "v2"):
        if path == version or path.startswith(f"{version}/"):
            path = path[len(version) + 1 :]
    host = DOCKER_HUB if host in _HUB_KEYS else host.lower()
    return Entry(host, path.strip("/"), _login(key, value))


def _login(key: str, value: Mapping[str, Any]) -> Login:
    fields = {name: value.get(name) or "" for name in _FIELDS}
    if not all(isinstance(text, str) for text in fields.values()):
        raise InvalidCredentials(
            f"docker configuration: the entry for '{key[:100]}' has a field that is no text"
        )
    username, password = fields["username"], fields["password"]
    if not username and not password and fields["auth"]:
        username, password = _pair(key, fields["auth"])
    return Login(username, password, fields["identitytoken"], fields["registrytoken"])


_FIELDS = ("username", "password", "auth", "identitytoken", "registrytoken")


def _pair(key: str, auth: str) -> tuple[str, str]:
    try:
        username, colon, password = base64.b64decode(auth, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise InvalidCredentials(f"docker configuration: 'auth' for '{key[:100]}' is not base64") from error
    if not colon:
        raise InvalidCredentials(f"docker configuration: 'auth' for '{key[:100]}' has no colon")
    # Some tools pad with zero bytes.
    return username, password.rstrip("\0")
