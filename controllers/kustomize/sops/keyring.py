"""The keys of one decryption: from the entries of a Secret (specs/kustomize.md 6.1), never printed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from controllers.kustomize.sops.age_stream import PREFIX as POST_QUANTUM
from controllers.kustomize.sops.age_stream import NotForUs, PostQuantumIdentity
from controllers.kustomize.sops.cloud.credentials import aws_keys, azure_application, google_key_file
from controllers.kustomize.sops.errors import DataKeyUnavailable, KeysInvalid
from controllers.kustomize.sops.panics import Contained
from shared.cloud.aws import AwsCredentials
from shared.cloud.azure import Application

_MAX_IDENTITIES = 100


@dataclass(frozen=True, slots=True)
class Keyring:
    """What there is to decrypt with. Empty parts mean that there is none of that family."""

    age: tuple[Any, ...] = field(default=(), repr=False)
    post_quantum: tuple[PostQuantumIdentity, ...] = field(default=(), repr=False)
    pgp: tuple[Any, ...] = field(default=(), repr=False)
    vault_token: str = field(default="", repr=False)
    aws: AwsCredentials | None = field(default=None, repr=False)
    azure: Application | None = field(default=None, repr=False)
    gcp: Mapping[str, Any] | None = field(default=None, repr=False)

    @classmethod
    def parse(cls, entries: Mapping[str, bytes], *, only_age: bool = False) -> Keyring:
        """From a Secret's decoded data; other entries are ignored. Raises KeysInvalid naming the entry."""
        age: list[Any] = []
        post_quantum: list[PostQuantumIdentity] = []
        pgp: list[Any] = []
        for name, content in entries.items():
            if name.endswith(".agekey"):
                for identity in _identities(name, content):
                    (post_quantum if isinstance(identity, PostQuantumIdentity) else age).append(identity)
            elif name.endswith(".asc") and not only_age:
                pgp += _pgp_keys(name, content)
        if len(age) + len(post_quantum) + len(pgp) > _MAX_IDENTITIES:
            raise KeysInvalid(f"more than {_MAX_IDENTITIES} private keys")
        if only_age:
            entries = {}
        return cls(
            age=tuple(age),
            post_quantum=tuple(post_quantum),
            pgp=tuple(pgp),
            vault_token=_text("sops.vault-token", entries.get("sops.vault-token", b"")).strip(),
            aws=aws_keys(found) if (found := entries.get("sops.aws-kms")) else None,
            azure=azure_application(found) if (found := entries.get("sops.azure-kv")) else None,
            gcp=google_key_file(found) if (found := entries.get("sops.gcp-kms")) else None,
        )

    def open_age(self, encrypted: str) -> bytes:
        """Raises DataKeyUnavailable."""
        if not self.age and not self.post_quantum:
            raise DataKeyUnavailable("there is no age identity")
        content = encrypted.encode("utf-8", "surrogateescape")
        with Contained(DataKeyUnavailable("the age file is damaged")):
            found = _age_opened(content, self.age)
        if found is not None:
            return found
        for identity in self.post_quantum:
            try:
                return identity.decrypt(content)
            except NotForUs:
                continue
        raise DataKeyUnavailable("none of the age identities is a recipient")

    def open_pgp(self, encrypted: str) -> bytes:
        """Raises DataKeyUnavailable."""
        if not self.pgp:
            raise DataKeyUnavailable("there is no PGP key")
        with Contained(DataKeyUnavailable("the PGP message is damaged")):
            for key in self.pgp:
                found = _pgp_opened(encrypted, key)
                if found is not None:
                    return found
        raise DataKeyUnavailable("none of the PGP keys is a recipient")


def _age_opened(content: bytes, identities: tuple[Any, ...]) -> bytes | None:
    import pyrage

    if not identities:
        return None
    try:
        return bytes(pyrage.decrypt(content, list(identities)))
    except pyrage.DecryptError:
        return None


def _pgp_opened(encrypted: str, key: Any) -> bytes | None:
    import openpgp.errors
    from openpgp.composed import Message

    try:
        message, _ = Message.from_armor(encrypted)
    except openpgp.errors.Error as error:
        raise DataKeyUnavailable("the PGP message is damaged") from error
    try:
        return bytes(message.decrypt("", key).as_data_vec())
    except openpgp.errors.Error:
        return None


def _identities(name: str, content: bytes) -> list[Any]:
    import pyrage

    found: list[Any] = []
    for number, raw in enumerate(_text(name, content).splitlines(), start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith(POST_QUANTUM):
            found.append(PostQuantumIdentity.parse(line))
            continue
        try:
            found.append(pyrage.x25519.Identity.from_str(line))
        except pyrage.IdentityError as error:
            raise KeysInvalid(f"line {number} of '{name}' is not an age identity") from error
    return found


def _pgp_keys(name: str, content: bytes) -> list[Any]:
    import openpgp.errors
    from openpgp.composed import SignedSecretKey

    refused = KeysInvalid(f"'{name}' is not an armored PGP private key")
    try:
        with Contained(refused):
            keys, _ = SignedSecretKey.from_armor_many(_text(name, content))
    except openpgp.errors.Error as error:
        raise refused from error
    return list(keys)


def _text(name: str, content: bytes) -> str:
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise KeysInvalid(f"'{name}' is not text") from error
