"""Google Cloud: tokens of the process's identity or of a ServiceAccount, and logins made of them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.cloud.account import Account, Token
from shared.cloud.blocking import call
from shared.cloud.errors import CloudError, IdentityInvalid, LibraryMissing

PROVIDER_ANNOTATION = "gcp.auth.fluxcd.io/workload-identity-provider"
EMAIL_ANNOTATION = "iam.gke.io/gcp-service-account"
SCOPES = (
    "https://www.googleapis.com/auth/cloud-platform",
    "https://www.googleapis.com/auth/userinfo.email",
)
_PROVIDER = re.compile(
    r"projects/\d{1,30}/locations/global/workloadIdentityPools/[^/]{1,100}/providers/[^/]{1,100}", re.ASCII
)
_EMAIL = re.compile(r"[a-zA-Z0-9-]{1,100}@[a-zA-Z0-9-]{1,100}\.iam\.gserviceaccount\.com")
_REGISTRY = re.compile(r"((.+\.)?gcr\.io)|(.+-docker\.pkg\.dev)|(docker\.s3nsregistry\.fr)")
_REGISTRY_USER = "oauth2accesstoken"
_TOKEN_URL = "https://sts.googleapis.com/v1/token"  # noqa: S105 - an address
_IMPERSONATION = "https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{}:generateAccessToken"
_TOKEN_TYPE = "urn:ietf:params:oauth:token-type:jwt"  # noqa: S105 - a name
_METADATA_PATHS = (
    "project/project-id",
    "instance/attributes/cluster-location",
    "instance/attributes/cluster-name",
)
_SHORT_LIFE = timedelta(minutes=5)


def is_registry(host: str) -> bool:
    """Whether that host is one of Google's registries."""
    return _REGISTRY.fullmatch(host) is not None


async def token(account: Account | None, *, proxy: str = "", token_url: str = _TOKEN_URL) -> Token:
    """A bearer token with the scopes that Flux asks for. Raises CloudError and IdentityInvalid."""
    if account is None:
        return await call("Google's identity", lambda: _refreshed(_ambient(), proxy))
    audience, subject_audience = await _audiences(account, proxy)
    email = account.annotations.get(EMAIL_ANNOTATION, "")
    if email and _EMAIL.fullmatch(email) is None:
        raise IdentityInvalid(
            f"service account '{account}': annotation '{EMAIL_ANNOTATION}' is no account of Google"
        )
    subject = await account.mint(subject_audience)

    def exchange() -> Token:
        return _refreshed(_exchanging(audience, email, lambda: subject, token_url), proxy)

    return await call(f"Google's token exchange for service account '{account}'", exchange)


async def token_of(key: Mapping[str, Any], scopes: Sequence[str], *, proxy: str = "") -> Token:
    """A bearer token for a service account's JSON key. Raises CloudError; IdentityInvalid for another file.

    Other kinds of this file name programs to run and files to read.
    """
    if key.get("type") != "service_account":
        raise IdentityInvalid("that is not the key of a service account of Google")

    def log_in() -> Token:
        _library()
        from google.oauth2 import service_account

        try:
            credentials = service_account.Credentials.from_service_account_info(key, scopes=scopes)
        except (ValueError, KeyError) as error:
            raise IdentityInvalid("the key of the service account is not complete") from error
        return _refreshed(credentials, proxy)

    return await call("Google's token service", log_in)


async def registry_login(account: Account | None, host: str, *, proxy: str = "") -> Token:
    """The login of a host of Artifact Registry or GCR. Raises CloudError."""
    if not is_registry(host):
        raise IdentityInvalid(
            f"registry '{host[:200]}' is not one of Google: provider 'gcp' cannot log in to it"
        )
    found = await token(account, proxy=proxy)
    return Token(found.text, found.expires, _REGISTRY_USER)


async def _audiences(account: Account, proxy: str) -> tuple[str, str]:
    """What the token service, and what the cluster's token, calls the pool of identities."""
    provider = account.annotations.get(PROVIDER_ANNOTATION, "")
    if provider:
        if _PROVIDER.fullmatch(provider) is None:
            raise IdentityInvalid(
                f"service account '{account}': annotation '{PROVIDER_ANNOTATION}' names no provider"
            )
        audience = f"//iam.googleapis.com/{provider}"
        return audience, audience
    project, location, cluster = await call("GKE's metadata", lambda: _metadata(proxy))
    pool = f"{project}.svc.id.goog"
    issuer = f"https://container.googleapis.com/v1/projects/{project}/locations/{location}/clusters/{cluster}"
    return f"identitynamespace:{pool}:{issuer}", pool


def _metadata(proxy: str) -> tuple[str, ...]:
    del proxy  # the metadata server is link-local
    _library()
    from google.auth.compute_engine import _metadata as metadata
    from google.auth.transport.requests import Request

    request = Request()
    if not metadata.ping(request, timeout=2, retry_count=1):
        raise CloudError(
            f"there is no metadata server: outside GKE a service account needs '{PROVIDER_ANNOTATION}'"
        )
    return tuple(str(metadata.get(request, path)) for path in _METADATA_PATHS)


def _ambient() -> Any:
    return _library().default(scopes=SCOPES)[0]


def _exchanging(audience: str, email: str, subject: Callable[[], str], token_url: str) -> Any:
    _library()
    from google.auth import identity_pool

    class Supplier(identity_pool.SubjectTokenSupplier):  # type: ignore[misc]
        def get_subject_token(self, context: object, request: object) -> str:
            del context, request
            return subject()

    return identity_pool.Credentials(
        audience=audience,
        subject_token_type=_TOKEN_TYPE,
        token_url=token_url,
        subject_token_supplier=Supplier(),
        service_account_impersonation_url=_IMPERSONATION.format(email) if email else None,
        scopes=SCOPES,
    )


def _refreshed(credentials: Any, proxy: str) -> Token:
    import requests
    from google.auth.transport.requests import Request

    with requests.Session() as session:
        if proxy:
            session.proxies = {"http": proxy, "https": proxy}
        credentials.refresh(Request(session=session))
    expires = (
        credentials.expiry.replace(tzinfo=UTC) if credentials.expiry else datetime.now(UTC) + _SHORT_LIFE
    )
    return Token(credentials.token, expires)


def _library() -> Any:
    try:
        import google.auth
        import requests  # noqa: F401 - google-auth's transport needs it
    except ImportError as error:
        raise LibraryMissing("gcp") from error
    return google.auth
