"""A kubeconfig from a Secret, read without trusting it: nothing in it may reach into this process.

Its author may be a tenant, so what would read files of the controller, run programs or send the
controller's own credentials somewhere is dropped, or refused where nothing else is left
(specs/kustomize.md 13, specs/runtime.md 8.1).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from shared.kube.client import Identity
from shared.logic.go_yaml import Limits, YamlError, read_document

_LIMITS = Limits(size_bytes=2 * 2**20, depth=20, alias_nodes=1_000, documents=1)


class KubeconfigRefused(ValueError):
    """It cannot be understood, or holds nothing that may be used. Quotes no credentials."""


@dataclass(frozen=True, slots=True)
class Allowed:
    """What is insecure and yet allowed, by flags."""

    exec_plugins: bool = False
    insecure_tls: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """How to reach one API server and as whom; PEM texts and tokens are never printed.

    `ca` empty means the system's certificate authorities. `exec_plugin` is a user's `exec` block.
    """

    server: str
    ca: bytes = b""
    tls_server_name: str = ""
    verify: bool = True
    proxy: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    private_key: bytes = field(default=b"", repr=False)
    token: str = field(default="", repr=False)
    username: str = ""
    password: str = field(default="", repr=False)
    exec_plugin: Mapping[str, Any] | None = field(default=None, repr=False)
    identity: Identity | None = None


def parse_kubeconfig(content: bytes, allowed: Allowed) -> Access:
    """The current context's cluster and user. Raises KubeconfigRefused."""
    try:
        raw = read_document(content, limits=_LIMITS)
    except YamlError as error:
        # The parser's words may quote the text; the line is enough.
        raise KubeconfigRefused(f"not YAML, see line {error.line}") from error
    if not isinstance(raw, dict):
        raise KubeconfigRefused("not a mapping")
    current = _text(raw, "current-context")
    if not current:
        raise KubeconfigRefused("it has no current-context")
    context = _named(raw, "contexts", "context", current)
    cluster = _named(raw, "clusters", "cluster", _text(context, "cluster"))
    user = _named(raw, "users", "user", _text(context, "user")) if context.get("user") else {}
    certificate, private_key = _data(user, "client-certificate-data"), _data(user, "client-key-data")
    access = Access(
        server=_address(_text(cluster, "server"), "server"),
        ca=_data(cluster, "certificate-authority-data"),
        tls_server_name=_text(cluster, "tls-server-name"),
        verify=not (allowed.insecure_tls and cluster.get("insecure-skip-tls-verify") is True),
        proxy=_address(proxy, "proxy-url") if (proxy := _text(cluster, "proxy-url")) else "",
        certificate=certificate if private_key else b"",
        private_key=private_key if certificate else b"",
        token=_header(_text(user, "token"), "token"),
        username=_text(user, "username"),
        password=_text(user, "password"),
        exec_plugin=_exec(user) if allowed.exec_plugins else None,
        identity=_impersonated(user),
    )
    _require_usable(access, cluster, user)
    return access


def _require_usable(access: Access, cluster: Mapping[str, Any], user: Mapping[str, Any]) -> None:
    """What was dropped is told where it leaves nothing to go by."""
    if cluster.get("certificate-authority") and not access.ca and access.verify:
        raise KubeconfigRefused(
            "certificate-authority is a file of another machine; use certificate-authority-data"
        )
    if access.certificate or access.token or access.username or access.exec_plugin:
        return
    if user.get("exec"):
        raise KubeconfigRefused("its exec plugin may not be run; use a token (--insecure-kubeconfig-exec)")
    if user.get("auth-provider"):
        raise KubeconfigRefused("its auth-provider is not supported; use a token")
    for name, instead in (
        ("tokenFile", "token"),
        ("client-certificate", "client-certificate-data"),
        ("client-key", "client-key-data"),
    ):
        if user.get(name):
            raise KubeconfigRefused(f"{name} is a file of another machine; use {instead}")


def _named(raw: Mapping[str, Any], group: str, inner: str, name: str) -> Mapping[str, Any]:
    entries = raw.get(group)
    for entry in entries if isinstance(entries, list) else ():
        if isinstance(entry, dict) and entry.get("name") == name and isinstance(entry.get(inner), dict):
            found: Mapping[str, Any] = entry[inner]
            return found
    raise KubeconfigRefused(f"there is no {inner} {name[:100]!r}")


def _address(text: str, what: str) -> str:
    try:
        parts = urlsplit(text)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not text.isprintable() or " " in text:
        raise KubeconfigRefused(f"{what} is not an http or https address")
    return text.rstrip("/")


def _data(raw: Mapping[str, Any], name: str) -> bytes:
    text = _text(raw, name)
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise KubeconfigRefused(f"{name} is not base64") from error


def _impersonated(user: Mapping[str, Any]) -> Identity | None:
    name = _header(_text(user, "as"), "as")
    groups = user.get("as-groups")
    listed = groups if isinstance(groups, list) else []
    return Identity(name, tuple(_header(str(group), "as-groups") for group in listed)) if name else None


def _exec(user: Mapping[str, Any]) -> Mapping[str, Any] | None:
    plugin = user.get("exec")
    return plugin if isinstance(plugin, dict) else None


def _header(text: str, what: str) -> str:
    """It travels as a header: one line of ASCII."""
    text = text.strip()
    if not (text.isascii() and (text.isprintable() or not text)):
        raise KubeconfigRefused(f"{what} is not one line of ASCII")
    return text


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""
