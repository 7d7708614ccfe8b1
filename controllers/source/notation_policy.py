"""The trust policy of notation (Notary Project: trust-store-trust-policy, version 1.0): pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from controllers.source.cosign import NotVerified
from shared.oci.errors import InvalidContent
from shared.oci.manifest import parse_object

_MAX_POLICIES = 100
_ANYBODY = "*"
_SUBJECT = "x509.subject:"


class Check(StrEnum):
    """What is checked beside the integrity of a signature, which always counts."""

    AUTHENTICITY = "authenticity"
    TIMESTAMP = "authenticTimestamp"
    EXPIRY = "expiry"
    REVOCATION = "revocation"


class Action(StrEnum):
    ENFORCE = "enforce"
    LOG = "log"
    SKIP = "skip"


_LEVELS: Mapping[str, Mapping[Check, Action]] = {
    "strict": dict.fromkeys(Check, Action.ENFORCE),
    "permissive": {
        Check.AUTHENTICITY: Action.ENFORCE,
        Check.TIMESTAMP: Action.LOG,
        Check.EXPIRY: Action.LOG,
        Check.REVOCATION: Action.LOG,
    },
    "audit": dict.fromkeys(Check, Action.LOG),
    "skip": dict.fromkeys(Check, Action.SKIP),
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What one repository's signatures must hold. `subjects` are attributes that the signer's name must have.

    Empty `subjects` trust everybody whom a trust store trusts.
    """

    name: str
    skips: bool
    actions: Mapping[Check, Action]
    subjects: tuple[Mapping[str, str], ...]


def statement_for(document: bytes, repository: str) -> Statement:
    """The statement whose scope is that repository, else the one for all. Raises NotVerified."""
    try:
        raw = parse_object(document, "trustpolicy.json")
    except InvalidContent as error:
        raise NotVerified(str(error)) from error
    listed = raw.get("trustPolicies")
    if raw.get("version") != "1.0" or not isinstance(listed, list) or not 0 < len(listed) <= _MAX_POLICIES:
        raise NotVerified("trustpolicy.json must have version 1.0 and 1 to 100 trustPolicies")
    general: Mapping[str, Any] | None = None
    for each in listed:
        scopes = each.get("registryScopes") if isinstance(each, dict) else None
        if not isinstance(scopes, list) or not scopes:
            raise NotVerified("a statement of trustpolicy.json has no registryScopes")
        if repository in scopes:
            return _statement(each)
        if _ANYBODY in scopes:
            general = each
    if general is None:
        raise NotVerified(f"trustpolicy.json has no statement for '{repository}'")
    return _statement(general)


def _statement(raw: Mapping[str, Any]) -> Statement:
    name = str(raw.get("name") or "")
    wanted = raw.get("signatureVerification") or {}
    level = str(wanted.get("level")) if isinstance(wanted, dict) else ""
    if level not in _LEVELS:
        raise NotVerified(f"statement '{name[:100]}' of trustpolicy.json has no known level")
    skips = level == "skip"
    if not skips and not raw.get("trustStores"):
        raise NotVerified(f"statement '{name[:100]}' of trustpolicy.json names no trustStores")
    actions = dict(_LEVELS[level]) | _overrides(name, wanted.get("override") or {})
    return Statement(name, skips, actions, () if skips else _subjects(name, raw.get("trustedIdentities")))


def _overrides(name: str, raw: Mapping[str, Any]) -> dict[Check, Action]:
    try:
        return {Check(key): Action(value) for key, value in raw.items()}
    except (ValueError, AttributeError) as error:
        raise NotVerified(f"statement '{name[:100]}' of trustpolicy.json has an unknown override") from error


def _subjects(name: str, raw: object) -> tuple[Mapping[str, str], ...]:
    if raw == [_ANYBODY]:
        return ()
    if not isinstance(raw, list) or not raw:
        raise NotVerified(f"statement '{name[:100]}' of trustpolicy.json has no trustedIdentities")
    found = []
    for identity in raw:
        if not isinstance(identity, str) or not identity.startswith(_SUBJECT):
            raise NotVerified(
                f"statement '{name[:100]}': a trusted identity must be '*' or 'x509.subject: ...'"
            )
        found.append(_attributes(name, identity.removeprefix(_SUBJECT)))
    return tuple(found)


def _attributes(name: str, text: str) -> Mapping[str, str]:
    """`C=US, ST=WA, O=example` as a mapping; C, ST and O are mandatory."""
    pairs = {
        key.strip().upper(): value.strip()
        for part in text.replace("\\,", "\0").split(",")
        for key, separator, value in [part.replace("\0", ",").partition("=")]
        if separator
    }
    if not {"C", "ST", "O"} <= pairs.keys():
        raise NotVerified(f"statement '{name[:100]}': an x509.subject needs at least C, ST and O")
    return pairs
