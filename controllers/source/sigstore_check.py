"""The only module that knows the sigstore library, which takes most of a second to import.

Everything here blocks and belongs in a thread.
"""

from __future__ import annotations

import ssl
import tempfile
import threading
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from controllers.source.cosign import NotVerified, parse_simple, subject_of
from shared.logic.regex import InvalidRegex, compile_regex
from shared.oci.errors import InvalidContent

if TYPE_CHECKING:
    from cryptography.x509 import Certificate
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier

PUBLIC_LOG = "https://rekor.sigstore.dev"
_ISSUER, _OLD_ISSUER = "1.3.6.1.4.1.57264.1.8", "1.3.6.1.4.1.57264.1.1"
_MAX_PATTERN = 1_000
_UTF8_STRING = 0x0C
_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Identity:
    """RE2 patterns of who may sign: found anywhere in the issuer and the subject, as in Go."""

    issuer: str
    subject: str


@dataclass(frozen=True, slots=True)
class Root:
    """`content` is a trusted_root.json; empty stands for Sigstore's public instance.

    `tls` is for the transparency log of a private one.
    """

    log_url: str
    content: bytes = field(default=b"", repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False, compare=False)

    @classmethod
    def public(cls) -> Root:
        return cls(PUBLIC_LOG)

    @classmethod
    def parse(cls, content: bytes, tls: ssl.SSLContext | None = None) -> Root:
        """Raises NotVerified when it is no trusted root, or names no log."""
        try:
            logs = orjson.loads(content)["tlogs"]
            found = next((log["baseUrl"] for log in logs if log.get("baseUrl")), "")
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise NotVerified("the trusted root is not a trusted_root.json of Sigstore") from error
        if not isinstance(found, str) or not found.startswith(("https://", "http://")):
            raise NotVerified("the trusted root names no address of a transparency log")
        return cls(found, content, tls)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A Sigstore bundle, and for older signatures what was signed."""

    bundle: bytes = field(repr=False)
    payload: bytes = field(default=b"", repr=False)


def check(candidate: Candidate, root: Root, identities: tuple[Identity, ...]) -> str:
    """The digest that the signature speaks of. Raises NotVerified unless everything about it holds."""
    try:
        from sigstore.errors import Error
        from sigstore.models import Bundle
    except ImportError as error:
        raise NotVerified(
            "keyless signatures need the extra 'keyless', which this installation lacks"
        ) from error
    verifier = _verifier(root)
    try:
        bundle, policy = Bundle.from_json(candidate.bundle), _OneOf(identities)
        if candidate.payload:
            verifier.verify_artifact(candidate.payload, bundle, policy)
            return parse_simple(candidate.payload, "").names
        return subject_of(*verifier.verify_dsse(bundle, policy))
    except (Error, InvalidContent, ValueError, KeyError, TypeError) as error:
        lines = str(error).strip().splitlines()
        raise NotVerified(lines[0][:300] if lines else type(error).__name__) from error


class _OneOf:
    """A policy of the library: the certificate is one of these identities'; of anybody's without any."""

    def __init__(self, identities: tuple[Identity, ...]) -> None:
        self._patterns = [(_compiled(each.issuer), _compiled(each.subject)) for each in identities]

    def verify(self, cert: Certificate) -> None:
        """Raises the library's VerificationError."""
        from sigstore.errors import VerificationError

        issuer, subjects = _issuer_of(cert), _subjects_of(cert)
        if not self._patterns:
            return
        for by, who in self._patterns:
            if by.search(issuer) and any(who.search(subject) for subject in subjects):
                return
        shown = ", ".join(subjects)[:200]
        raise VerificationError(
            f"none of the expected identities signed: it was {shown!r} of {issuer[:200]!r}"
        )


def _compiled(pattern: str) -> Any:
    if len(pattern) > _MAX_PATTERN:
        raise NotVerified(f"a pattern of matchOIDCIdentity is longer than {_MAX_PATTERN} characters")
    try:
        return compile_regex(pattern)
    except InvalidRegex as error:
        raise NotVerified(f"matchOIDCIdentity: {pattern[:100]!r} is no regular expression") from error


def _issuer_of(cert: Certificate) -> str:
    from cryptography.x509 import ObjectIdentifier

    for extension in cert.extensions:
        raw = getattr(extension.value, "value", b"")
        if extension.oid == ObjectIdentifier(_ISSUER) and len(raw) > 2 and raw[0] == _UTF8_STRING:
            length = 2 if raw[1] < 0x80 else 2 + (raw[1] & 0x7F)
            return str(raw[length:].decode(errors="replace"))
    for extension in cert.extensions:
        if extension.oid == ObjectIdentifier(_OLD_ISSUER):
            return str(getattr(extension.value, "value", b"").decode(errors="replace"))
    return ""


def _subjects_of(cert: Certificate) -> list[str]:
    from cryptography.x509 import (
        ExtensionNotFound,
        RFC822Name,
        SubjectAlternativeName,
        UniformResourceIdentifier,
    )

    try:
        names = cert.extensions.get_extension_for_class(SubjectAlternativeName).value
    except ExtensionNotFound:
        return []
    return [str(name.value) for name in names if isinstance(name, RFC822Name | UniformResourceIdentifier)]


_lock = threading.Lock()
_public: list[TrustedRoot] = []
_tried_at = -_PAUSE_SECONDS


def _verifier(root: Root) -> Verifier:
    from sigstore.errors import Error
    from sigstore.models import TrustedRoot
    from sigstore.verify import Verifier

    if not root.content:
        return Verifier(trusted_root=_public_root())
    with tempfile.NamedTemporaryFile(prefix="trusted-root-") as file:
        file.write(root.content)
        file.flush()
        try:
            return Verifier(trusted_root=TrustedRoot.from_file(file.name))
        except (Error, ValueError, KeyError, TypeError) as error:
            raise NotVerified("the trusted root is not a trusted_root.json of Sigstore") from error


def _public_root() -> TrustedRoot:
    """Fetched once for the process, and tried at most once a minute. Raises NotVerified."""
    from sigstore.errors import Error
    from sigstore.models import ClientTrustConfig

    global _tried_at  # noqa: PLW0603 - shared by all objects of the process
    with _lock:
        if not _public:
            if time.monotonic() - _tried_at < _PAUSE_SECONDS:
                raise NotVerified(
                    "Sigstore's root of trust could not be fetched; trying again within a minute"
                )
            _tried_at = time.monotonic()
            try:
                _public.append(ClientTrustConfig.production().trusted_root)
            except (Error, OSError, ValueError) as error:
                raise NotVerified("Sigstore's root of trust cannot be fetched") from error
        return _public[0]
