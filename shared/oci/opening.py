"""What opens a registry beside its name: trust, client certificate, proxy, login."""

import asyncio
import os
import ssl
import urllib.request
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import urlsplit

from shared.logic.proxy_url import with_login
from shared.oci.docker_config import ANONYMOUS, Login
from shared.oci.errors import InvalidCredentials

_MAX_PROXY_URL = 2_048


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy's URL without credentials, and the credentials."""

    url: str
    username: str = field(default="", repr=False)
    password: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https") or len(self.url) > _MAX_PROXY_URL:
            raise InvalidCredentials(
                "proxy address must be a URL of http or https: registries are not reached through others"
            )

    @property
    def with_credentials(self) -> str:
        """One URL with everything in it, for libraries that want it so: never to be shown."""
        return with_login(self.url, self.username, self.password)


@dataclass(frozen=True, slots=True)
class Opening:
    """`ca` is trusted beside the system's authorities. All certificates and keys are PEM.

    `insecure` allows plain HTTP and, where no certificate is given, does without verification
    (spec source 9.3): the only place where that is possible. `plain` allows plain HTTP alone.
    """

    login: Login = ANONYMOUS
    ca: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    proxy: Proxy | None = None
    insecure: bool = False
    plain: bool = False

    @property
    def may_be_plain(self) -> bool:
        return self.insecure or self.plain

    @property
    def verifies(self) -> bool:
        return not self.insecure or bool(self.ca or self.certificate)


async def tls_context(opening: Opening) -> ssl.SSLContext:
    """Raises InvalidCredentials. Reading the system's authorities takes a while, hence a thread."""
    if opening.ca or opening.certificate:
        return await asyncio.to_thread(_own_context, opening)
    return await asyncio.to_thread(_shared_context, verify=opening.verifies)


@lru_cache
def _shared_context(*, verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _own_context(opening: Opening) -> ssl.SSLContext:
    context = ssl.create_default_context()
    try:
        if opening.ca:
            context.load_verify_locations(cadata=opening.ca)
        if opening.certificate:
            _load_pair(context, f"{opening.certificate}\n{opening.private_key}")
    except (ssl.SSLError, ValueError) as error:
        raise InvalidCredentials(f"TLS certificate or key cannot be read: {error}") from error
    return context


def _load_pair(context: ssl.SSLContext, pem: str) -> None:
    # OpenSSL reads key pairs from files only; this one never touches a disk.
    descriptor = os.memfd_create("client-certificate")
    try:
        os.write(descriptor, pem.encode())
        context.load_cert_chain(f"/proc/self/fd/{descriptor}", password=_no_passphrase)
    finally:
        os.close(descriptor)


def _no_passphrase() -> str:
    """Without this, OpenSSL would ask on the terminal for that of an encrypted key."""
    raise ValueError("the private key is encrypted")


def proxy_for(url: str, given: Proxy | None) -> Proxy | None:
    """The given proxy, else that of the environment (HTTP_PROXY, HTTPS_PROXY, NO_PROXY)."""
    if given is not None:
        return given
    parts = urlsplit(url)
    found = urllib.request.getproxies_environment().get(parts.scheme)
    if not found or urllib.request.proxy_bypass(parts.netloc.rpartition("@")[2]):
        return None
    proxy = urlsplit(found if "://" in found else f"http://{found}")
    port = f":{proxy.port}" if proxy.port else ""
    return Proxy(f"{proxy.scheme}://{proxy.hostname}{port}", proxy.username or "", proxy.password or "")
