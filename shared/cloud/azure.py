"""Azure: tokens of the process's identity or of an annotated ServiceAccount, and logins made of them."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson

from shared.cloud.account import Account, Token
from shared.cloud.blocking import SECONDS, call
from shared.cloud.errors import CloudError, IdentityInvalid, LibraryMissing

AUDIENCE = "api://AzureADTokenExchange"
TENANT_ANNOTATION = "azure.workload.identity/tenant-id"
CLIENT_ANNOTATION = "azure.workload.identity/client-id"
DEVOPS_SCOPE = "499b84ac-1321-427f-aa17-267ca6975798/.default"
MANAGEMENT_SCOPE = "https://management.azure.com/.default"
STORAGE_SCOPE = "https://storage.azure.com/.default"
_REGISTRY = re.compile(r".+\.(azurecr\.io|azurecr\.cn|azurecr\.de|azurecr\.us)")
_REGISTRY_USER = "00000000-0000-0000-0000-000000000000"
_REFRESH_TOKEN_LIFE = timedelta(hours=3)
_MAX_ANSWER = 64 * 1024


def is_registry(host: str) -> bool:
    """Whether that host is one of Azure's registries."""
    return _REGISTRY.fullmatch(host) is not None


@dataclass(frozen=True, slots=True)
class Application:
    """What a Secret says of an identity in Azure: a service principal, or a managed identity by `client`."""

    client: str
    tenant: str = ""
    client_secret: str = field(default="", repr=False)
    certificate: bytes = field(default=b"", repr=False)
    certificate_password: str = field(default="", repr=False)
    send_chain: bool = False
    authority: str = ""


async def token_of(application: Application, scope: str, *, proxy: str = "") -> Token:
    """A bearer token of that identity. Raises CloudError; IdentityInvalid when its parts cannot be read."""
    proxies = {"http": proxy, "https": proxy} if proxy else None

    def log_in() -> Token:
        try:
            credential = _credential(application, proxies)
        except ValueError as error:
            raise IdentityInvalid("the Azure identity of the secret cannot be used") from error
        return _issued(credential, scope)

    return await call("Azure's login", log_in)


def _credential(application: Application, proxies: dict[str, str] | None) -> Any:
    identity, tenant, client = _library(), application.tenant, application.client
    options: dict[str, Any] = {"proxies": proxies}
    if application.authority:
        # The public cloud need not be asked whether a private one exists.
        options |= {"authority": application.authority, "disable_instance_discovery": True}
    if tenant and application.client_secret:
        return identity.ClientSecretCredential(tenant, client, application.client_secret, **options)
    if tenant and application.certificate:
        return identity.CertificateCredential(
            tenant,
            client,
            certificate_data=application.certificate,
            password=application.certificate_password or None,
            send_certificate_chain=application.send_chain,
            **options,
        )
    return identity.ManagedIdentityCredential(client_id=client)


async def token(account: Account | None, scope: str, *, proxy: str = "") -> Token:
    """A bearer token for `scope`. Raises CloudError; IdentityInvalid for an account without annotations."""
    proxies = {"http": proxy, "https": proxy} if proxy else None
    if account is None:
        return await call("Azure's identity", lambda: _issued(_ambient(proxies), scope))
    tenant = account.annotations.get(TENANT_ANNOTATION, "")
    client = account.annotations.get(CLIENT_ANNOTATION, "")
    if not tenant or not client:
        raise IdentityInvalid(
            f"service account '{account}' lacks the annotation '{TENANT_ANNOTATION}' or '{CLIENT_ANNOTATION}'"
        )
    assertion = await account.mint(AUDIENCE)

    def exchange() -> Token:
        return _issued(_assertion(tenant, client, lambda: assertion, proxies), scope)

    return await call(f"Azure's login for service account '{account}'", exchange)


async def registry_login(
    http: aiohttp.ClientSession, account: Account | None, host: str, *, proxy: str = ""
) -> Token:
    """The login of an ACR host: a refresh token for a token of the identity. Raises CloudError."""
    if not is_registry(host):
        raise IdentityInvalid(
            f"registry '{host[:200]}' is not one of Azure: provider 'azure' cannot log in to it"
        )
    access = await token(account, MANAGEMENT_SCOPE, proxy=proxy)
    form = urlencode({"grant_type": "access_token", "service": host, "access_token": access.text})
    try:
        async with http.post(
            f"https://{host}/oauth2/exchange",
            data=form.encode(),
            headers={"Content-Type": "application/x-www-form-urlencoded"},
            proxy=proxy or None,
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=SECONDS),
        ) as response:
            raw = await response.content.read(_MAX_ANSWER)
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise CloudError(f"registry '{host}' cannot be reached ({type(error).__name__})") from error
    if status != 200:
        raise CloudError(f"registry '{host}' refused the exchange of tokens: HTTP {status}")
    return Token(_refresh_token(raw), datetime.now(UTC) + _REFRESH_TOKEN_LIFE, _REGISTRY_USER)


def _refresh_token(raw: bytes) -> str:
    try:
        found = orjson.loads(raw).get("refresh_token")
    except (orjson.JSONDecodeError, AttributeError):
        found = None
    if not isinstance(found, str) or not found:
        raise CloudError("the registry gave no refresh token")
    return found


def _issued(credential: Any, scope: str) -> Token:
    found = credential.get_token(scope)
    return Token(found.token, datetime.fromtimestamp(found.expires_on, UTC))


def _ambient(proxies: dict[str, str] | None) -> Any:
    identity = _library()
    return identity.DefaultAzureCredential(
        exclude_shared_token_cache_credential=True,
        exclude_visual_studio_code_credential=True,
        exclude_cli_credential=True,
        exclude_powershell_credential=True,
        exclude_developer_cli_credential=True,
        process_timeout=SECONDS,
        proxies=proxies,
    )


def _assertion(tenant: str, client: str, mint: Callable[[], str], proxies: dict[str, str] | None) -> Any:
    return _library().ClientAssertionCredential(tenant, client, mint, proxies=proxies)


def _library() -> Any:
    try:
        from azure import identity
    except ImportError as error:
        raise LibraryMissing("azure") from error
    return identity
