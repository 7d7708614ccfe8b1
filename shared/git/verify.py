"""Check the signatures of commits and tags (spec source 8.6). Runs in the worker."""

import base64
import contextlib
from collections.abc import Mapping
from typing import Any

import pysequoia
from dulwich.objects import Commit, ObjectID, Tag
from dulwich.repo import Repo

from shared.git import sshsig
from shared.git.errors import UnsignedObject, VerificationFailed
from shared.git.garbage import refusing_garbage

_PGP = b"-----BEGIN PGP SIGNATURE-----"
_X509 = b"-----BEGIN SIGNED MESSAGE-----"
_SSH_KEYS_SUFFIX = ".sshpub"
_SIGNATURE_HEADERS = (b"gpgsig ", b"gpgsig-sha256 ")


def verify_object(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `repository`, `object` (a commit's or tag's hash), `keys` (name -> base64) -> `key`: who signed.

    Names ending in `.sshpub` hold authorized_keys lines, all others PGP keys. Raises UnsignedObject,
    VerificationFailed.
    """
    with (
        contextlib.closing(Repo(argument["repository"])) as repo,
        refusing_garbage(f"object '{argument['object']}'"),
    ):
        found = repo[ObjectID(argument["object"].encode("ascii"))]
        raw = found.as_raw_string()
    keys = {name: base64.b64decode(value) for name, value in argument["keys"].items()}
    what = f"{found.type_name.decode()} '{argument['object']}'"
    if isinstance(found, Commit):
        payload, signature = split_commit(raw)
    elif isinstance(found, Tag):
        payload, signature = split_tag(raw)
    else:
        raise UnsignedObject(f"{what} is neither a commit nor a tag")
    return {"key": _signer(payload, signature, keys, what)}


def split_commit(raw: bytes) -> tuple[bytes, bytes]:
    """The bytes that were signed, and the armored signature (empty when there is none)."""
    head, separator, message = raw.partition(b"\n\n")
    kept: list[bytes] = []
    signature: list[bytes] = []
    current: list[bytes] | None = None
    for line in head.split(b"\n"):
        if line.startswith(_SIGNATURE_HEADERS):
            # Only the hash function that the repository uses has been signed over.
            current = signature if line.startswith(b"gpgsig ") else []
            current.append(line.partition(b" ")[2])
        elif line.startswith(b" ") and current is not None:
            current.append(line[1:])
        else:
            current = None
            kept.append(line)
    return b"\n".join(kept) + separator + message, b"\n".join(signature)


def split_tag(raw: bytes) -> tuple[bytes, bytes]:
    """The same for a tag, whose signature stands at the end of its message."""
    starts = [raw.rfind(b"\n" + marker) for marker in (_PGP, sshsig.BEGIN, _X509)]
    start = max(starts)
    return (raw[: start + 1], raw[start + 1 :]) if start >= 0 else (raw, b"")


def _signer(payload: bytes, signature: bytes, keys: Mapping[str, bytes], what: str) -> str:
    armor = signature.lstrip()
    if armor.startswith(_PGP):
        return _pgp_signer(payload, armor, keys, what)
    if armor.startswith(sshsig.BEGIN):
        return _ssh_signer(payload, armor, keys, what)
    if armor.startswith(_X509):
        raise VerificationFailed(f"{what} has an x509 signature, which is not supported")
    raise UnsignedObject(f"{what} is not signed")


def _pgp_signer(payload: bytes, signature: bytes, keys: Mapping[str, bytes], what: str) -> str:
    rings = {name: ring for name, ring in keys.items() if not name.endswith(_SSH_KEYS_SUFFIX)}
    if not rings:
        raise VerificationFailed(f"{what} has a PGP signature, but the secret has no PGP key")
    why = ""
    for name, ring in sorted(rings.items()):
        try:
            return _verify_pgp(payload, signature, ring)
        except Exception as error:  # noqa: BLE001 - the library raises plain Exception
            # The text may go on with a backtrace of its own.
            why = f"{name}: {(str(error).splitlines() or [type(error).__name__])[0]}"
    raise VerificationFailed(f"unable to verify {what} with any of the given key rings: {why}")


def _verify_pgp(payload: bytes, signature: bytes, ring: bytes) -> str:
    """The id of the primary key that signed: the last 16 digits of its fingerprint."""
    certificates = pysequoia.Cert.split_bytes(ring)
    parsed = pysequoia.Sig.from_bytes(signature)
    result = pysequoia.verify(bytes=payload, store=lambda _ids: certificates, signature=parsed)
    return str(result.valid_sigs[0].certificate)[-16:].upper()


def _ssh_signer(payload: bytes, signature: bytes, keys: Mapping[str, bytes], what: str) -> str:
    files = {name: text for name, text in keys.items() if name.endswith(_SSH_KEYS_SUFFIX)}
    if not files:
        raise VerificationFailed(f"{what} has an SSH signature, but the secret has no .sshpub key")
    why = ""
    for name, text in sorted(files.items()):
        try:
            return sshsig.verify(signature, payload, sshsig.parse_authorized_keys(text)).fingerprint
        except sshsig.InvalidSshSignature as error:
            why = f"{name}: {error}"
    raise VerificationFailed(f"unable to verify {what} with any of the given authorized keys: {why}")
