"""Prove to a registry who we are: its challenge -> the Authorization header (distribution specification).

Headers are remembered per registry, scope and login, so that a routine look costs one request.
"""

import re
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlencode

from shared.oci.docker_config import Login
from shared.oci.errors import InvalidContent, RegistryDenied, RegistryUnreachable
from shared.oci.manifest import parse_object
from shared.oci.reference import shown
from shared.oci.transport import Request, Transport, basic, origin, read_body, refusal

_SHARE_OF_LIFETIME = 0.8
_DEFAULT_LIFETIME = 60.0
_MAX_TOKEN_ANSWER = 256 * 1024
_CLIENT = "flux"
_PART = re.compile(
    r"[\s,]*(?:(?P<key>[A-Za-z0-9_-]+)\s*=\s*(?:\"(?P<quoted>(?:[^\"\\]|\\.)*)\"|(?P<bare>[^\s,\"]+))"
    r"|(?P<scheme>[A-Za-z0-9_-]+))"
)
_TOKEN = re.compile(r"[\x21-\x7e]+")


@dataclass(frozen=True, slots=True)
class Challenge:
    """`scheme` is lower case; `realm` and `service` are empty where not given."""

    scheme: str
    realm: str = ""
    service: str = ""


@dataclass(frozen=True, slots=True)
class Scope:
    """What a header is for; the key under which it is remembered."""

    base: str
    resource: str
    login: Login


class Authorizations:
    """Headers that worked, at most `size`, each for 80 % of its life and at most `longest`."""

    def __init__(
        self,
        size: int = 100,
        longest: timedelta = timedelta(hours=1),
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        self._size, self._longest, self._now = size, longest.total_seconds(), now
        self._known: OrderedDict[Scope, tuple[str, float]] = OrderedDict()

    def find(self, scope: Scope) -> str:
        """Empty where there is none."""
        header, ends = self._known.get(scope, ("", 0.0))
        if ends <= self._now():
            self._known.pop(scope, None)
            return ""
        self._known.move_to_end(scope)
        return header

    def keep(self, scope: Scope, header: str, lifetime: float) -> None:
        """`lifetime` is in seconds."""
        self._known[scope] = header, self._now() + min(lifetime * _SHARE_OF_LIFETIME, self._longest)
        while len(self._known) > self._size:
            self._known.popitem(last=False)

    def forget(self, scope: Scope) -> None:
        self._known.pop(scope, None)


def parse_challenges(headers: Iterable[str]) -> list[Challenge]:
    """Read WWW-Authenticate headers; what cannot be read is left out."""
    found: list[tuple[str, dict[str, str]]] = []
    for header in headers:
        position = 0
        while match := _PART.match(header, position):
            position = match.end()
            if match["scheme"]:
                found.append((match["scheme"].lower(), {}))
            elif found:
                quoted = match["quoted"]
                value = match["bare"] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
                found[-1][1].setdefault(match["key"].lower(), value)
    return [Challenge(scheme, args.get("realm", ""), args.get("service", "")) for scheme, args in found]


async def authorize(
    transport: Transport, known: Authorizations, scope: Scope, challenges: Iterable[Challenge]
) -> str:
    """Answer a 401 with a header, and remember it. Raises RegistryDenied and what a request raises."""
    by_scheme = {challenge.scheme: challenge for challenge in challenges}
    login = scope.login
    if "bearer" in by_scheme and not (login.bearer and not login.username):
        token, lifetime = await _fetch_token(transport, by_scheme["bearer"], scope)
        header = f"Bearer {token}"
    elif "bearer" in by_scheme:
        header, lifetime = f"Bearer {login.bearer}", _DEFAULT_LIFETIME
    elif "basic" in by_scheme and login.username:
        header, lifetime = basic(login.username, login.password), float("inf")
    else:
        raise RegistryDenied(f"{_host(scope)} wants credentials: authentication required")
    known.keep(scope, header, lifetime)
    return header


def _host(scope: Scope) -> str:
    return scope.base.partition("://")[2]


async def _fetch_token(transport: Transport, challenge: Challenge, scope: Scope) -> tuple[str, float]:
    """The token and its life in seconds."""
    _require_usable_realm(challenge.realm, scope, insecure=transport.opening.may_be_plain)
    async with transport.answer(_token_request(challenge, scope)) as response:
        where = f"token service '{shown(challenge.realm)}'"
        if response.status in (400, 401, 403):
            said = await refusal(response)
            raise RegistryDenied(f"{where} answered {response.status} {said}".rstrip())
        if response.status != 200:
            raise RegistryUnreachable(f"{where} answered {response.status}")
        document = parse_object(await read_body(response, _MAX_TOKEN_ANSWER, "token"), "token answer")
    token = document.get("token") or document.get("access_token")
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise InvalidContent(f"{where} gave nothing to authorize with")
    lifetime = document.get("expires_in")
    is_number = isinstance(lifetime, (int, float)) and not isinstance(lifetime, bool) and lifetime > 0
    return token, float(lifetime) if is_number and lifetime is not None else _DEFAULT_LIFETIME


def _token_request(challenge: Challenge, scope: Scope) -> Request:
    query = {"service": challenge.service} if challenge.service else {}
    query["scope"] = scope.resource
    login = scope.login
    if login.identity:
        form = query | {
            "grant_type": "refresh_token",
            "refresh_token": login.identity,
            "client_id": _CLIENT,
        }
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        return Request("POST", challenge.realm, headers, urlencode(form).encode())
    joiner = "&" if "?" in challenge.realm else "?"
    request = Request("GET", f"{challenge.realm}{joiner}{urlencode(query)}")
    return request.with_authorization(basic(login.username, login.password)) if login.username else request


def _require_usable_realm(realm: str, scope: Scope, *, insecure: bool) -> None:
    """Credentials go where the registry says, but never from https to plain http."""
    scheme, host, _ = origin(realm)
    if scheme not in ("http", "https") or not host:
        raise InvalidContent(f"{_host(scope)} names no usable token service")
    if scheme == "http" and not insecure:
        raise RegistryDenied(f"{_host(scope)} names a token service without TLS: {shown(realm)}")
