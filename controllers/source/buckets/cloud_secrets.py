"""Tokens made of what a Secret holds, by the libraries of Google and Azure (spec source 12.3, 12.4).

Where no Secret is given, shared.runtime.identities finds out whose identity is used instead.
"""

from collections.abc import Mapping
from typing import Any

import orjson

from shared.cloud import azure, gcp
from shared.cloud.azure import STORAGE_SCOPE, Application
from shared.logic.secret import Secret, SecretUnusable

_READ_ONLY = ("https://www.googleapis.com/auth/devstorage.read_only",)
_YES = frozenset({"1", "true"})


async def google_token(secret: Secret, proxy: str) -> str:
    """For the service account whose JSON key the Secret holds. Raises SecretUnusable, CloudError."""
    return (await gcp.token_of(_key_file(secret), _READ_ONLY, proxy=proxy)).text


async def azure_token(secret: Secret, proxy: str) -> str:
    """For the application or managed identity of the Secret. Raises SecretUnusable, CloudError."""
    application = Application(
        client=secret.text("clientId").strip(),
        tenant=secret.text("tenantId").strip(),
        client_secret=secret.text("clientSecret"),
        certificate=secret.data.get("clientCertificate", b""),
        certificate_password=secret.text("clientCertificatePassword"),
        send_chain=secret.text("clientCertificateSendChain") in _YES,
        authority=secret.text("authorityHost").strip(),
    )
    return (await azure.token_of(application, STORAGE_SCOPE, proxy=proxy)).text


def is_azure_identity(secret: Secret) -> bool:
    """Whether the Secret describes one; everything else it may hold needs no token."""
    return bool(secret.text("clientId"))


def _key_file(secret: Secret) -> Mapping[str, Any]:
    try:
        info = orjson.loads(secret.require("serviceaccount"))
    except ValueError as error:
        raise SecretUnusable(f"secret '{secret.name}': 'serviceaccount' is not JSON") from error
    if not isinstance(info, dict):
        raise SecretUnusable(f"secret '{secret.name}': 'serviceaccount' is not the key of a service account")
    return info
