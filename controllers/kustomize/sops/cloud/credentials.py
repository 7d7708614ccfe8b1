"""Static credentials of key services, from the entries of a decryption Secret (specs/kustomize.md 6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controllers.kustomize.sops.errors import KeysInvalid
from shared.logic.go_yaml import Limits, YamlError, read_document

_AZURE_LOGIN = "https://login.microsoftonline.com"
_GOOGLE_TOKENS = "https://oauth2.googleapis.com/token"
_LIMITS = Limits(size_bytes=64 * 1024, depth=10, alias_nodes=0, documents=1)


@dataclass(frozen=True, slots=True)
class AwsKeys:
    """`sops.aws-kms`."""

    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(default="", repr=False)

    @classmethod
    def parse(cls, content: bytes) -> AwsKeys:
        """Raises KeysInvalid."""
        raw = _mapping("sops.aws-kms", content)
        key, secret = _text(raw, "aws_access_key_id"), _text(raw, "aws_secret_access_key")
        if not key or not secret:
            raise KeysInvalid("'sops.aws-kms' lacks aws_access_key_id or aws_secret_access_key")
        return cls(key, secret, _text(raw, "aws_session_token"))


@dataclass(frozen=True, slots=True)
class AzureLogin:
    """`sops.azure-kv`, with a client secret."""

    tenant: str
    client: str
    secret: str = field(repr=False)
    authority: str = _AZURE_LOGIN

    @classmethod
    def parse(cls, content: bytes) -> AzureLogin:
        """Both spellings of the fields are known: Azure's SDK's and the az command's. Raises KeysInvalid."""
        raw = _mapping("sops.azure-kv", content)
        tenant = _text(raw, "tenantId") or _text(raw, "tenant")
        client = _text(raw, "clientId") or _text(raw, "appId")
        secret = _text(raw, "clientSecret") or _text(raw, "password")
        if client and not tenant and not secret:
            raise KeysInvalid("'sops.azure-kv' asks for a managed identity, which needs the cloud extra")
        if raw.get("clientCertificate"):
            raise KeysInvalid("'sops.azure-kv' holds a client certificate; use a clientSecret")
        if not (tenant and client and secret):
            raise KeysInvalid("'sops.azure-kv' lacks tenantId, clientId or clientSecret")
        authority = _text(raw, "authorityHost").rstrip("/") or _AZURE_LOGIN
        if not authority.startswith("https://"):
            raise KeysInvalid("authorityHost of 'sops.azure-kv' is not an https address")
        return cls(tenant, client, secret, authority)


@dataclass(frozen=True, slots=True)
class GcpAccount:
    """`sops.gcp-kms`, the JSON of a service account."""

    email: str
    key_id: str
    private_key: str = field(repr=False)
    token_uri: str = _GOOGLE_TOKENS

    @classmethod
    def parse(cls, content: bytes) -> GcpAccount:
        """Raises KeysInvalid."""
        raw = _mapping("sops.gcp-kms", content)
        if raw.get("type") != "service_account":
            raise KeysInvalid("'sops.gcp-kms' is not the key of a service account")
        email, key = _text(raw, "client_email"), _text(raw, "private_key")
        token_uri = _text(raw, "token_uri") or _GOOGLE_TOKENS
        if not email or not key or not token_uri.startswith("https://"):
            raise KeysInvalid("'sops.gcp-kms' lacks client_email, private_key or an https token_uri")
        return cls(email, _text(raw, "private_key_id"), key, token_uri)


def _mapping(name: str, content: bytes) -> Mapping[str, Any]:
    try:
        raw = read_document(content, limits=_LIMITS)
    except YamlError as error:
        # The parser's message may quote what it could not read.
        raise KeysInvalid(f"'{name}' is not YAML") from error
    if not isinstance(raw, dict):
        raise KeysInvalid(f"'{name}' is not a mapping")
    return raw


def _text(raw: Mapping[str, Any], name: str) -> str:
    value = raw.get(name)
    return value if isinstance(value, str) else ""
