"""What the secrets of a Provider hold, read fresh for each delivery (specs/notification.md 9.1-9.3)."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote, unquote, urlsplit

import yaml

from controllers.notification.outgoing import Refused, Unavailable, is_metadata_address
from shared.kube.client import KubeClient
from shared.kube.secrets import Secrets
from shared.logic.redact import redact
from shared.logic.secret import SecretUnreachable, SecretUnusable
from shared.model.notification import Provider

_MAX_ADDRESS = 2048
_MAX_HEADERS = 64 * 1024
_SHORTEST_MASKED = 4
_PASSWORD_IS_TOKEN = frozenset(
    {
        "github",
        "githubdispatch",
        "githubpullrequestcomment",
        "gitlab",
        "gitlabmergerequestcomment",
        "gitea",
        "giteapullrequestcomment",
        "otel",
    }
)

Data = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Credentials:
    """Everything but `address` and `username` is secret. `ca`, `certificate` and `key` are PEM."""

    address: str = ""
    username: str = ""
    token: str = field(default="", repr=False)
    password: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    proxy: str = field(default="", repr=False)
    ca: str = field(default="", repr=False)
    certificate: str = field(default="", repr=False)
    key: str = field(default="", repr=False)
    creds: str = field(default="", repr=False)
    nkey: str = field(default="", repr=False)

    def mask(self, text: str) -> str:
        """The text without anything of these credentials."""
        proxy = unquote(urlsplit(self.proxy).password or "")
        secrets = [self.token.strip(), self.password, proxy, self.nkey.strip(), *self.headers.values()]
        for secret in sorted(secrets, key=len, reverse=True):
            if len(secret) >= _SHORTEST_MASKED:
                text = text.replace(secret, "*****").replace(quote(secret, safe=""), "*****")
        return redact(text)


async def read_credentials(client: KubeClient, provider: Provider) -> Credentials:
    """Raises Refused when a secret is missing or wrong, Unavailable when it cannot be read now."""
    namespace = provider.key.namespace
    secret = await read_secret(client, namespace, provider.secret) if provider.secret else {}
    certificates = await read_secret(client, namespace, provider.cert_secret) if provider.cert_secret else {}
    proxy = await read_secret(client, namespace, provider.proxy_secret) if provider.proxy_secret else None
    return assemble(provider, secret, certificates, proxy)


def assemble(provider: Provider, secret: Data, certificates: Data, proxy: Data | None) -> Credentials:
    """Pure: from the data of the three secrets; `proxy` None when no such secret is named. Raises Refused."""
    address = secret.get("address", "").strip()
    if len(address.encode()) > _MAX_ADDRESS:
        raise Refused(f"invalid address in secret: address exceeds maximum length of {_MAX_ADDRESS} bytes")
    token, username, password = (
        secret.get("token", ""),
        secret.get("username", ""),
        secret.get("password", ""),
    )
    if bool(username) != bool(password):
        # Half a pair spoils the whole secret, token included (specs/notification.md 9.1).
        token = username = password = ""
    if not token and provider.type in _PASSWORD_IS_TOKEN:
        token = password
    chosen = secret.get("proxy", "").strip() or provider.proxy
    ca, certificate, key = _certificates(certificates) if provider.cert_secret else ("", "", "")
    return Credentials(
        address=address or provider.address,
        username=username or provider.username,
        token=token,
        password=password,
        headers=_headers(secret.get("headers", "")),
        proxy=checked_proxy(_proxy(proxy) if proxy is not None else chosen),
        ca=ca,
        certificate=certificate,
        key=key,
        creds=secret.get("creds", ""),
        nkey=secret.get("nkey", ""),
    )


async def read_secret(client: KubeClient, namespace: str, name: str) -> Data:
    """Decoded data; values that are not text are left out. Raises Refused or Unavailable."""
    try:
        secret = await Secrets(client).read(namespace, name)
    except SecretUnreachable as error:
        raise Unavailable(str(error)) from error
    except SecretUnusable as error:
        raise Refused(str(error)) from error
    data: dict[str, str] = {}
    for key, value in secret.data.items():
        with contextlib.suppress(UnicodeDecodeError):
            data[key] = value.decode()
    return data


def _certificates(data: Data) -> tuple[str, str, str]:
    ca = data.get("ca.crt") or data.get("caFile") or ""
    certificate = data.get("tls.crt") or data.get("certFile") or ""
    key = data.get("tls.key") or data.get("keyFile") or ""
    if bool(certificate) != bool(key):
        raise Refused("spec.certSecretRef: a certificate and its key belong together, one is missing")
    if not ca and not certificate:
        raise Refused("spec.certSecretRef: the secret holds neither 'ca.crt' nor 'tls.crt' and 'tls.key'")
    return ca, certificate, key


def _proxy(data: Data) -> str:
    address = data.get("address", "").strip()
    if not address:
        raise Refused("spec.proxySecretRef: required field 'address' is missing")
    username, password = data.get("username", ""), data.get("password", "")
    if not username:
        return address
    scheme, separator, rest = address.partition("://")
    login = quote(username, safe="") + (f":{quote(password, safe='')}" if password else "")
    return f"{scheme}{separator}{login}@{rest}"


def checked_proxy(address: str) -> str:
    """Raises Refused for what is no http or https proxy."""
    if not address:
        return ""
    try:
        parts = urlsplit(address)
        usable = len(address) <= _MAX_ADDRESS and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise Refused("the address of the proxy is not a URL")
    if is_metadata_address(parts.hostname or ""):
        raise Refused("a metadata or link-local address is no proxy")
    if parts.scheme not in {"http", "https"}:
        raise Refused(f"proxies are reached over http and https, not {parts.scheme[:16]!r}")
    return address


def _headers(text: str) -> dict[str, str]:
    if not text:
        return {}
    if len(text) > _MAX_HEADERS:
        raise Refused("failed to read headers from secret: they are too large")
    try:
        raw = yaml.load(text, Loader=yaml.CBaseLoader)  # noqa: S506 - knows text, lists and maps only
    except (yaml.YAMLError, RecursionError) as error:
        raise Refused("failed to read headers from secret: not YAML") from error
    if not isinstance(raw, dict) or not all(isinstance(item, str) for pair in raw.items() for item in pair):
        raise Refused("failed to read headers from secret: not a map of text to text")
    return raw
