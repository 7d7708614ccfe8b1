"""Tokens made of what a Secret holds, by the libraries of Google and Azure (spec source 12.3, 12.4).

Where no Secret is given, shared.runtime.identities finds out whose identity is used instead.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from shared.cloud.azure import STORAGE_SCOPE
from shared.cloud.blocking import call
from shared.cloud.errors import LibraryMissing
from shared.logic.secret import Secret, SecretUnusable

_READ_ONLY = ("https://www.googleapis.com/auth/devstorage.read_only",)


async def google_token(secret: Secret, proxy: str) -> str:
    """For the service account whose JSON key the Secret holds. Raises SecretUnusable, CloudError."""
    info = _key_file(secret)
    return await call("Google's token service", lambda: _google(info, secret, proxy))


def _key_file(secret: Secret) -> Mapping[str, Any]:
    try:
        info = orjson.loads(secret.require("serviceaccount"))
    except ValueError as error:
        raise SecretUnusable(f"secret '{secret.name}': 'serviceaccount' is not JSON") from error
    # Other kinds of this file name programs to run and files to read.
    if not isinstance(info, dict) or info.get("type") != "service_account":
        raise SecretUnusable(f"secret '{secret.name}': 'serviceaccount' is not the key of a service account")
    return info


def _google(info: Mapping[str, Any], secret: Secret, proxy: str) -> str:
    try:
        import requests
        from google.auth.transport.requests import Request
        from google.oauth2 import service_account
    except ImportError as error:
        raise LibraryMissing("gcp") from error
    try:
        credentials = service_account.Credentials.from_service_account_info(info, scopes=_READ_ONLY)
    except (ValueError, KeyError) as error:
        message = f"secret '{secret.name}': 'serviceaccount' is not a complete key"
        raise SecretUnusable(message) from error
    with requests.Session() as session:
        if proxy:
            session.proxies = {"http": proxy, "https": proxy}
        credentials.refresh(Request(session=session))
    return str(credentials.token)


async def azure_token(secret: Secret, proxy: str) -> str:
    """For the application or managed identity of the Secret. Raises SecretUnusable, CloudError."""
    return await call("Azure's login", lambda: _azure(secret, proxy))


def is_azure_identity(secret: Secret) -> bool:
    """Whether the Secret describes one; everything else it may hold needs no token."""
    return bool(secret.text("clientId"))


def _azure(secret: Secret, proxy: str) -> str:
    try:
        from azure import identity
    except ImportError as error:
        raise LibraryMissing("azure") from error
    tenant, client = secret.text("tenantId").strip(), secret.text("clientId").strip()
    options: dict[str, Any] = {"proxies": {"http": proxy, "https": proxy}} if proxy else {}
    if authority := secret.text("authorityHost").strip():
        options["authority"] = authority
    try:
        if tenant and secret.text("clientSecret"):
            credential = identity.ClientSecretCredential(
                tenant, client, secret.text("clientSecret"), **options
            )
        elif tenant and secret.text("clientCertificate"):
            credential = identity.CertificateCredential(
                tenant,
                client,
                certificate_data=secret.data["clientCertificate"],
                password=secret.text("clientCertificatePassword") or None,
                send_certificate_chain=secret.text("clientCertificateSendChain") in ("1", "true"),
                **options,
            )
        else:
            credential = identity.ManagedIdentityCredential(client_id=client)
    except ValueError as error:
        raise SecretUnusable(f"secret '{secret.name}': its Azure identity cannot be used") from error
    return str(credential.get_token(STORAGE_SCOPE).token)
