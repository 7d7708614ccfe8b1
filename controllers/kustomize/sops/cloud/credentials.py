"""Static credentials of key services, from the entries of a decryption Secret (specs/kustomize.md 6.1)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from controllers.kustomize.sops.errors import KeysInvalid
from shared.cloud.aws import AwsCredentials
from shared.cloud.azure import Application
from shared.logic.go_yaml import Limits, YamlError, read_document

_LIMITS = Limits(size_bytes=64 * 1024, depth=10, alias_nodes=0, documents=1)
_NO_END = datetime.max.replace(tzinfo=UTC)
_YES = frozenset({"1", "true"})


def aws_keys(content: bytes) -> AwsCredentials:
    """`sops.aws-kms`. Raises KeysInvalid."""
    raw = _mapping("sops.aws-kms", content)
    key, secret = _text(raw, "aws_access_key_id"), _text(raw, "aws_secret_access_key")
    if not key or not secret:
        raise KeysInvalid("'sops.aws-kms' lacks aws_access_key_id or aws_secret_access_key")
    return AwsCredentials(key, secret, _text(raw, "aws_session_token"), _NO_END)


def azure_application(content: bytes) -> Application:
    """`sops.azure-kv`: both spellings are known, Azure's SDK's and the az command's. Raises KeysInvalid."""
    raw = _mapping("sops.azure-kv", content)
    found = Application(
        client=_text(raw, "clientId") or _text(raw, "appId"),
        tenant=_text(raw, "tenantId") or _text(raw, "tenant"),
        client_secret=_text(raw, "clientSecret") or _text(raw, "password"),
        certificate=_text(raw, "clientCertificate").encode(),
        certificate_password=_text(raw, "clientCertificatePassword"),
        send_chain=str(raw.get("clientCertificateSendChain", "")).lower() in _YES,
        authority=_text(raw, "authorityHost").rstrip("/"),
    )
    if found.authority and not found.authority.startswith("https://"):
        raise KeysInvalid("authorityHost of 'sops.azure-kv' is not an https address")
    secretive = bool(found.client_secret or found.certificate)
    if not found.client or bool(found.tenant) != secretive:
        raise KeysInvalid(
            "'sops.azure-kv' lacks tenantId, clientId, or one of clientSecret and clientCertificate; "
            "a clientId alone names a managed identity"
        )
    return found


def google_key_file(content: bytes) -> Mapping[str, Any]:
    """`sops.gcp-kms`, the JSON key of a service account. Raises KeysInvalid."""
    raw = _mapping("sops.gcp-kms", content)
    if raw.get("type") != "service_account":
        raise KeysInvalid("'sops.gcp-kms' is not the key of a service account")
    if not _text(raw, "client_email") or not _text(raw, "private_key"):
        raise KeysInvalid("'sops.gcp-kms' lacks client_email or private_key")
    if not _text(raw, "token_uri").startswith("https://"):
        raise KeysInvalid("'sops.gcp-kms' lacks an https token_uri")
    return raw


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
