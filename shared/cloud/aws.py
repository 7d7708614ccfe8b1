"""AWS: credentials of the process or of an annotated ServiceAccount, and logins made of them."""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from shared.cloud.account import Account, Token
from shared.cloud.blocking import SECONDS, call
from shared.cloud.errors import CloudError, IdentityInvalid, LibraryMissing

if TYPE_CHECKING:
    from botocore.session import Session

AUDIENCE = "sts.amazonaws.com"
ROLE_ANNOTATION = "eks.amazonaws.com/role-arn"
_ROLE = re.compile(r"arn:aws[\w-]*:iam::[0-9]{1,30}:role/.{1,200}", re.ASCII)
_STS_ENDPOINT = re.compile(r"https://(.+\.)?sts(-fips)?(\.[^.]+)?(\.vpce)?\.amazonaws\.com")
_ECR = re.compile(
    r"[0-9]+\.dkr[.-]ecr(?:-fips)?\.(?P<region>[^/.]*)\."
    r"(?:amazonaws\.com(?:\.cn)?|amazonaws\.eu|on\.aws|sc2s\.sgov\.gov|c2s\.ic\.gov|cloud\.adc-e\.uk|csp\.hci\.ic\.gov)"
)
_PUBLIC_ECR, _PUBLIC_REGION = "public.ecr.aws", "us-east-1"
_MAX_SESSION_NAME = 64
_AMBIENT_LIFE = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class AwsCredentials:
    access_key_id: str
    secret_access_key: str = field(repr=False)
    session_token: str = field(repr=False)
    expires: datetime


def is_registry(host: str) -> bool:
    """Whether that host is one of Amazon's registries."""
    return host == _PUBLIC_ECR or _ECR.fullmatch(host) is not None


async def credentials(
    account: Account | None, region: str, *, endpoint: str = "", proxy: str = ""
) -> AwsCredentials:
    """Of `account`'s role, or of the process itself. `endpoint` replaces that of the token service.

    Raises CloudError; IdentityInvalid when the account is not annotated with a role, or no region is known.
    """
    if endpoint and _STS_ENDPOINT.fullmatch(endpoint) is None:
        raise IdentityInvalid(f"invalid STS endpoint: {endpoint[:200]!r} is not an address of AWS's STS")
    if account is None:
        return await call("AWS credentials", _ambient)
    role = account.annotations.get(ROLE_ANNOTATION, "")
    if _ROLE.fullmatch(role) is None:
        raise IdentityInvalid(
            f"service account '{account}' has no valid role in its annotation '{ROLE_ANNOTATION}'"
        )
    if not region:
        raise IdentityInvalid("an AWS region is needed to use the identity of a service account")
    token = await account.mint(AUDIENCE)
    session = f"{account.name}.{account.namespace}.{region}.fluxcd.io"[:_MAX_SESSION_NAME]

    def assume() -> AwsCredentials:
        client = _client("sts", region, proxy, unsigned=True, endpoint=endpoint)
        return _issued(
            client.assume_role_with_web_identity(
                RoleArn=role, RoleSessionName=session, WebIdentityToken=token
            )
        )

    return await call(f"AWS STS for the role of service account '{account}'", assume)


async def assume(keys: AwsCredentials, role: str, region: str, *, session: str) -> AwsCredentials:
    """Keys of a role that those keys may take. Raises CloudError; IdentityInvalid for what is no role."""
    if _ROLE.fullmatch(role) is None:
        raise IdentityInvalid(f"{role[:200]!r} is not the ARN of a role")

    def take() -> AwsCredentials:
        client = _client("sts", region, "", keys=keys)
        return _issued(client.assume_role(RoleArn=role, RoleSessionName=session[:_MAX_SESSION_NAME]))

    return await call("AWS STS", take)


async def decrypt(
    keys: AwsCredentials, region: str, key_id: str, ciphertext: bytes, context: Mapping[str, str]
) -> bytes:
    """What KMS decrypts with the key `key_id`, in that encryption context. Raises CloudError."""

    def ask() -> bytes:
        client = _client("kms", region, "", keys=keys)
        plain = client.decrypt(CiphertextBlob=ciphertext, KeyId=key_id, EncryptionContext=dict(context))
        return bytes(plain["Plaintext"])

    return await call("AWS KMS", ask)


async def describe_cluster(keys: AwsCredentials, region: str, name: str) -> Mapping[str, Any]:
    """What EKS tells of a cluster. Raises CloudError."""

    def ask() -> Mapping[str, Any]:
        client = _client("eks", region, "", keys=keys)
        return dict(client.describe_cluster(name=name)["cluster"])

    return await call("AWS EKS", ask)


async def presigned_identity(keys: AwsCredentials, region: str, headers: Mapping[str, str]) -> str:
    """A URL that tells for a minute whose keys these are, if asked with `headers`. Raises CloudError."""

    def sign() -> str:
        client = _client("sts", region, "", keys=keys)

        def add(request: Any, **_: object) -> None:
            for name, value in headers.items():
                request.headers[name] = value

        client.meta.events.register("before-sign.sts.GetCallerIdentity", add)
        return str(client.generate_presigned_url("get_caller_identity", ExpiresIn=60, HttpMethod="GET"))

    return await call("AWS STS", sign)


async def registry_login(account: Account | None, host: str, *, proxy: str = "") -> Token:
    """The login of an ECR host. Raises CloudError; IdentityInvalid for any other host."""
    public = host == _PUBLIC_ECR
    match = _ECR.fullmatch(host)
    if match is None and not public:
        raise IdentityInvalid(
            f"registry '{host[:200]}' is not one of AWS: provider 'aws' cannot log in to it"
        )
    region = _PUBLIC_REGION if public or match is None else match["region"]
    keys = await credentials(account, region, proxy=proxy)

    def log_in() -> Token:
        client = _client("ecr-public" if public else "ecr", region, proxy, keys=keys)
        data = client.get_authorization_token()["authorizationData"]
        return decode_login(data if public else data[0])

    return await call("AWS ECR", log_in)


def decode_login(data: Mapping[str, Any]) -> Token:
    """A login out of ECR's answer. Raises CloudError."""
    try:
        username, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")
    except (KeyError, ValueError) as error:
        raise CloudError("AWS ECR gave no usable token") from error
    return Token(password, data.get("expiresAt") or datetime.now(UTC) + _AMBIENT_LIFE, username)


def _issued(answer: Mapping[str, Any]) -> AwsCredentials:
    found = answer["Credentials"]
    return AwsCredentials(
        found["AccessKeyId"], found["SecretAccessKey"], found["SessionToken"], found["Expiration"]
    )


def _ambient() -> AwsCredentials:
    found = _session().get_credentials()
    if found is None:
        raise CloudError("no AWS credentials were found: neither environment, nor pod identity, nor metadata")
    frozen = found.get_frozen_credentials()
    expires = getattr(found, "_expiry_time", None) or datetime.now(UTC) + _AMBIENT_LIFE
    return AwsCredentials(frozen.access_key, frozen.secret_key, frozen.token or "", expires)


def _session() -> Session:
    try:
        from botocore.session import Session
    except ImportError as error:
        raise LibraryMissing("aws") from error
    return Session()


def _client(
    service: str,
    region: str,
    proxy: str,
    *,
    unsigned: bool = False,
    endpoint: str = "",
    keys: AwsCredentials | None = None,
) -> Any:
    session = _session()
    from botocore import UNSIGNED
    from botocore.config import Config

    options: dict[str, Any] = {"connect_timeout": SECONDS / 2, "read_timeout": SECONDS / 2}
    if proxy:
        options["proxies"] = {"http": proxy, "https": proxy}
    if unsigned:
        options["signature_version"] = UNSIGNED
    login: dict[str, str] = {}
    if keys is not None:
        login = {
            "aws_access_key_id": keys.access_key_id,
            "aws_secret_access_key": keys.secret_access_key,
            "aws_session_token": keys.session_token or "",
        }
    return session.create_client(
        service,
        region_name=region,
        endpoint_url=endpoint or None,
        config=Config(retries={"max_attempts": 1}, **options),
        **{name: value for name, value in login.items() if value},
    )
