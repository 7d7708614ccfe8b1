"""Sign what git signs, with OpenPGP or ssh keys from memory (spec image 18). Runs in the worker.

No agent, no key ring, no file: the key comes with the job and goes with it.
"""

from collections.abc import Callable, Mapping
from typing import Any

from shared.git import sshsig
from shared.git.errors import SigningKeyUnusable

Sign = Callable[[bytes], bytes]

_MAX_KEY = 1024 * 1024
_MIN_RSA_BITS = 2048
_RSA = "ssh-rsa"
_SSH_ALGORITHMS: Mapping[str, bytes] = {
    "ssh-ed25519": b"ssh-ed25519",
    "ecdsa-sha2-nistp256": b"ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384": b"ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521": b"ecdsa-sha2-nistp521",
    _RSA: b"rsa-sha2-512",
}
_PROBE = b"probe"


def require_usable(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `key` (see signer) -> nothing. Raises SigningKeyUnusable."""
    signer(argument["key"])(_PROBE)
    return {}


def signer(key: Mapping[str, str]) -> Sign:
    """What makes armored signatures. `key`: `kind` (gpg or ssh), `text`, `passphrase`, `secret` (a name).

    Raises SigningKeyUnusable.
    """
    if len(key["text"]) > _MAX_KEY:
        raise SigningKeyUnusable(
            f"the signing key in secret '{key['secret']}' is larger than {_MAX_KEY} bytes"
        )
    return _pgp_signer(key) if key["kind"] == "gpg" else _ssh_signer(key)


def _pgp_signer(key: Mapping[str, str]) -> Sign:
    import pysequoia

    certificates = _calling(key, lambda: pysequoia.Cert.split_bytes(key["text"].encode()))
    if len(certificates) != 1:
        count = "multiple" if certificates else "no"
        raise SigningKeyUnusable(
            f"{count} entities read from secret '{key['secret']}', "
            "could not determine which signing key to use"
        )
    secret = _calling(key, lambda: pysequoia.Tsk.from_bytes(key["text"].encode()))
    opened = _calling(key, lambda: secret.signer(key["passphrase"] or None))
    detached = pysequoia.SignatureMode.DETACHED

    def sign(payload: bytes) -> bytes:
        return bytes(_calling(key, lambda: pysequoia.sign(opened, payload, mode=detached)))

    return sign


def _calling(key: Mapping[str, str], call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as error:
        # The text may go on with a backtrace of its own.
        said = (str(error).splitlines() or [type(error).__name__])[0][:200]
        if not key["passphrase"] and "encrypted" in said.lower():
            raise _locked(key, "passphrase") from None
        raise SigningKeyUnusable(f"signing key of secret '{key['secret']}' cannot be used: {said}") from error


def _ssh_signer(key: Mapping[str, str]) -> Sign:
    import asyncssh  # 43 MiB: only who needs it pays

    try:
        opened = asyncssh.import_private_key(key["text"], key["passphrase"] or None)
    except asyncssh.KeyEncryptionError as error:
        raise SigningKeyUnusable(
            f"the password in secret '{key['secret']}' does not open its signing key: {error}"
        ) from error
    except asyncssh.KeyImportError as error:
        if not key["passphrase"] and "passphrase" in str(error).lower():
            raise _locked(key, "password") from None
        raise SigningKeyUnusable(
            f"signing key of secret '{key['secret']}' cannot be read: {error}"
        ) from error
    kind = opened.get_algorithm()
    algorithm = _SSH_ALGORITHMS.get(kind)
    if algorithm is None:
        raise SigningKeyUnusable(f"signing key of secret '{key['secret']}' has an unsupported type '{kind}'")
    if kind == _RSA and _bits(opened) < _MIN_RSA_BITS:
        raise SigningKeyUnusable(
            f"signing key of secret '{key['secret']}' is an RSA key of less than {_MIN_RSA_BITS} bits"
        )
    return lambda payload: sshsig.sign(payload, opened.public_data, lambda raw: opened.sign(raw, algorithm))


def _bits(key: Any) -> int:
    return int(key.pyca_key.key_size)


def _locked(key: Mapping[str, str], field: str) -> SigningKeyUnusable:
    return SigningKeyUnusable(
        f"can not use passphrase protected signing key without '{field}' field present "
        f"in secret {key['secret']}"
    )
