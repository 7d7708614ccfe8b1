"""Check the signature that a spec.verify asks for, of whichever kind it is (spec source 9.4, 9.5)."""

from __future__ import annotations

import ssl
from dataclasses import dataclass

from controllers.source.cosign import NotVerified, verify_with_keys
from shared.kube.secrets import Secrets
from shared.logic.secret import tls_of
from shared.model.source import OciVerification, OciVerifier
from shared.oci.errors import InvalidCredentials
from shared.oci.opening import Opening, tls_context
from shared.oci.registry import Registry

_TRUSTED_ROOT = "trusted_root.json"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Secrets are of `namespace`; `cert_secret` holds what the transparency log is opened with."""

    namespace: str
    verification: OciVerification
    cert_secret: str = ""


async def check_signature(secrets: Secrets, registry: Registry, wanted: Wanted, digest: str) -> bool:
    """Whether there is a verdict, which is then that the manifest is signed as wanted.

    A trust policy of notation may do without one. Raises NotVerified, SecretUnusable, OciError.
    """
    verification = wanted.verification
    if verification.provider is OciVerifier.NOTATION:
        from controllers.source.notation import verify_notation

        if not verification.secret:
            raise NotVerified("verify.secretRef with a trustpolicy.json is needed")
        secret = await secrets.read(wanted.namespace, verification.secret)
        return await verify_notation(registry, digest, secret.data)
    if verification.secret:
        keys = (await secrets.read(wanted.namespace, verification.secret)).data
        await verify_with_keys(registry, digest, keys)
    else:
        await _keyless(secrets, registry, wanted, digest)
    return True


async def _keyless(secrets: Secrets, registry: Registry, wanted: Wanted, digest: str) -> None:
    # The library is heavy, and few sources are verified so.
    from controllers.source.keyless import Keyless, verify_keyless
    from controllers.source.sigstore_check import Identity, Root

    verification = wanted.verification
    root = Root.public()
    if verification.trusted_root_secret:
        secret = await secrets.read(wanted.namespace, verification.trusted_root_secret)
        content = secret.require(_TRUSTED_ROOT).encode()
        root = Root.parse(content, await _tls(secrets, wanted))
    identities = tuple(Identity(issuer, subject) for issuer, subject in verification.identities)
    await verify_keyless(registry, digest, Keyless(identities, root))


async def _tls(secrets: Secrets, wanted: Wanted) -> ssl.SSLContext | None:
    if not wanted.cert_secret:
        return None
    certificate, key, authority = tls_of(await secrets.read(wanted.namespace, wanted.cert_secret))
    try:
        return await tls_context(Opening(ca=authority, certificate=certificate, private_key=key))
    except InvalidCredentials as error:
        raise NotVerified(str(error)) from error
