"""What opens a Bucket: the credentials, certificates and proxy of its secrets (spec source 12.3, 12.4)."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from urllib.parse import quote, urlsplit

from controllers.source.buckets import gcs
from controllers.source.buckets.azure import AzureContainer, AzurePass, SharedKey, account_of
from controllers.source.buckets.cloud_secrets import azure_token, google_token, is_azure_identity
from controllers.source.buckets.errors import BucketError
from controllers.source.buckets.s3 import S3, Place
from controllers.source.buckets.signing import Keys
from controllers.source.buckets.store import ObjectStore
from controllers.source.buckets.sts import ldap_keys
from controllers.source.buckets.wire import Wire
from controllers.source.conditions import Reason
from shared.cloud.azure import STORAGE_SCOPE
from shared.cloud.errors import CloudError
from shared.cloud.registry import Cloud
from shared.kube.secrets import Secrets
from shared.logic.secret import Secret, SecretUnusable
from shared.model.bucket import Bucket, BucketProvider, Sts, StsProvider
from shared.oci.docker_config import ANONYMOUS
from shared.oci.errors import InvalidCredentials
from shared.oci.opening import Opening, Proxy, tls_context
from shared.runtime.failure import Failure, Stalled
from shared.runtime.identities import Identities, IdentityDisabled
from shared.runtime.registry_secrets import Named, RegistrySecrets


@dataclass(frozen=True, slots=True)
class BucketAccess:
    """`region` is the controller's own, for identities of AWS; `google` where Google's storage is."""

    secrets: Secrets
    openings: RegistrySecrets
    identities: Identities
    region: str = ""
    google: str = field(default=gcs.ENDPOINT)

    @contextlib.asynccontextmanager
    async def opened(self, bucket: Bucket) -> AsyncIterator[ObjectStore]:
        """Raises Failure or Stalled with the reasons of spec source 3 and 12.2."""
        async with contextlib.AsyncExitStack() as wires:
            try:
                store = await self._store(bucket, wires)
            except IdentityDisabled as error:
                raise Stalled(str(error), reason=Reason.FEATURE_GATE_DISABLED) from error
            except (SecretUnusable, InvalidCredentials, CloudError, BucketError) as error:
                raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error
            yield store

    async def _store(self, bucket: Bucket, wires: contextlib.AsyncExitStack) -> ObjectStore:
        if bucket.service_account and not self.identities.enabled:
            raise IdentityDisabled
        require_sts(bucket)
        secret = await self._find(bucket, bucket.secret)
        on_s3 = bucket.provider in (BucketProvider.GENERIC, BucketProvider.AWS)
        cert_secret = bucket.cert_secret if on_s3 and not bucket.insecure else ""
        opening = await self._opening(bucket, cert_secret)
        wire = await _wire(wires, opening)
        keys: Keys | None
        match bucket.provider:
            case BucketProvider.GCP:
                token = await self._google_token(bucket, secret, _address(opening.proxy))
                return gcs.GoogleStorage(wire, bucket.bucket_name, token, self.google)
            case BucketProvider.AZURE:
                opener = await self._azure_pass(bucket, secret, _address(opening.proxy))
                return AzureContainer(wire, bucket.endpoint, bucket.bucket_name, opener)
            case BucketProvider.AWS:
                region = bucket.region or self.region
                keys = await self._aws_keys(bucket, secret, _address(opening.proxy))
            case BucketProvider.GENERIC:
                region = bucket.region
                keys = await self._generic_keys(bucket, secret, wires)
        place = Place.of(bucket.endpoint, bucket.bucket_name, region, insecure=bucket.insecure)
        return S3(wire, place, keys)

    async def _aws_keys(self, bucket: Bucket, secret: Secret | None, proxy: str) -> Keys:
        if secret is not None:
            return _keys_of(secret)
        account = await self.identities.account(bucket.key.namespace, bucket.service_account)
        # The region of the controller is not that of a tenant's role.
        region = bucket.region or ("" if account else self.region)
        endpoint = bucket.sts.endpoint if bucket.sts else ""
        found = await self.identities.aws_keys(account, region, endpoint=endpoint, proxy=proxy)
        return Keys(found.access_key_id, found.secret_access_key, found.session_token)

    async def _generic_keys(
        self, bucket: Bucket, secret: Secret | None, wires: contextlib.AsyncExitStack
    ) -> Keys | None:
        if secret is not None:
            return _keys_of(secret)
        sts = bucket.sts
        if sts is None:
            return None
        account = await self._find(bucket, sts.secret)
        if account is None:
            raise SecretUnusable("sts provider 'ldap' needs a secretRef with 'username' and 'password'")
        username, password = account.require("username"), account.require("password")
        wire = await _wire(wires, await self._opening(bucket, sts.cert_secret))
        return await ldap_keys(wire, sts.endpoint, username, password)

    async def _google_token(self, bucket: Bucket, secret: Secret | None, proxy: str) -> str:
        if secret is not None:
            return await google_token(secret, proxy)
        if self.google != gcs.ENDPOINT:
            return ""  # an emulator knows no identities
        account = await self.identities.account(bucket.key.namespace, bucket.service_account)
        return (await self.identities.bearer(Cloud.GCP, account, proxy=proxy)).text

    async def _azure_pass(self, bucket: Bucket, secret: Secret | None, proxy: str) -> AzurePass:
        """In the order of spec source 12.4."""
        if secret is None:
            return await self._azure_identity(bucket, proxy)
        if is_azure_identity(secret):
            return AzurePass(token=await azure_token(secret, proxy))
        if key := secret.text("accountKey").strip():
            return AzurePass(shared_key=SharedKey(account_of(bucket.endpoint), key))
        if sas := secret.text("sasKey").strip():
            return AzurePass(sas=sas.removeprefix("?"))
        raise SecretUnusable(
            f"secret '{secret.name}': give 'accountKey', 'sasKey', 'clientId', or 'tenantId' with 'clientId' "
            "and 'clientSecret' or 'clientCertificate'"
        )

    async def _azure_identity(self, bucket: Bucket, proxy: str) -> AzurePass:
        account = await self.identities.account(bucket.key.namespace, bucket.service_account)
        try:
            token = await self.identities.bearer(Cloud.AZURE, account, STORAGE_SCOPE, proxy=proxy)
        except CloudError:
            if account is not None:
                raise
            return AzurePass()  # the container may be public
        return AzurePass(token=token.text)

    async def _opening(self, bucket: Bucket, cert_secret: str) -> Opening:
        named = Named(bucket.key.namespace, cert_secret=cert_secret, proxy_secret=bucket.proxy_secret)
        return await self.openings.opening(named, ANONYMOUS, insecure=False)

    async def _find(self, bucket: Bucket, name: str) -> Secret | None:
        return await self.secrets.read(bucket.key.namespace, name) if name else None


def require_sts(bucket: Bucket) -> None:
    """The rules that the CRD checks as well. Raises Stalled."""
    sts = bucket.sts
    if sts is None:
        return
    problem = _sts_problem(bucket, sts)
    if problem:
        raise Stalled(problem, reason=Reason.INVALID_STS)
    try:
        parts = urlsplit(sts.endpoint)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable:
        raise Stalled(
            "failed to parse STS endpoint: it is not a URL of http or https", reason=Reason.URL_INVALID
        )


def _sts_problem(bucket: Bucket, sts: Sts) -> str:
    match (bucket.provider, sts.provider):
        case (BucketProvider.AWS, StsProvider.AWS):
            if sts.secret or sts.cert_secret:
                return "spec.sts.secretRef and spec.sts.certSecretRef are not used by the 'aws' STS provider"
            return ""
        case (BucketProvider.GENERIC, StsProvider.LDAP):
            return ""
    return f"STS provider '{sts.provider}' is not supported for bucket provider '{bucket.provider}'"


async def _wire(wires: contextlib.AsyncExitStack, opening: Opening) -> Wire:
    wire = Wire(opening, await tls_context(opening))
    wires.push_async_callback(wire.close)
    return wire


def _keys_of(secret: Secret) -> Keys:
    return Keys(secret.require("accesskey").strip(), secret.require("secretkey").strip())


def _address(proxy: Proxy | None) -> str:
    """With its credentials in it, as the libraries of the clouds want it."""
    if proxy is None:
        return ""
    if not proxy.username:
        return proxy.url
    parts = urlsplit(proxy.url)
    login = f"{quote(proxy.username, safe='')}:{quote(proxy.password, safe='')}"
    return parts._replace(netloc=f"{login}@{parts.netloc}").geturl()
