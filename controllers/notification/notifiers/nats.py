"""NATS: the event published to a subject; its client is imported when the first provider needs it (10.19).

The client would want another library to sign a server's challenge; Ed25519 is at hand already.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from controllers.notification.credentials import Credentials
from controllers.notification.notifiers.notice import Notice, Send
from controllers.notification.outgoing import GuardedResolver, Refused, Unavailable, is_metadata_address

_NAME = "NATS Provider Publisher"
_BLOCK = re.compile(r"-----BEGIN ([A-Z ]{1,40})-----\s+(\S{1,16384})\s+-{3,6}END ")
_USER = 20 << 3
_SECONDS = 10


async def notify(notice: Notice, _send: Send) -> None:
    """Raises Refused when the settings or the login are wrong, Unavailable when there is no connection."""
    try:
        import nats
        from nats.errors import Error
    except ImportError as error:
        raise Refused("this installation has no library for nats: install the extra 'nats'") from error
    subject = notice.require_channel()
    servers = await _servers(notice.address)
    problems: list[Exception] = []

    async def noted(error: Exception) -> None:
        problems.append(error)

    connection, key = nats.NATS(), _signing_key(notice.credentials)
    if key is not None:
        # The one way to name a user by key without the library that we do without.
        connection._public_nkey = public_key(key)  # noqa: SLF001
    login = _login(notice.credentials, key)
    try:
        await connection.connect(
            servers,
            name=_NAME,
            error_cb=noted,
            allow_reconnect=False,
            max_reconnect_attempts=1,
            reconnect_time_wait=0,
            connect_timeout=_SECONDS,
            **login,
        )
        await connection.publish(subject, orjson.dumps(notice.event.render()))
        await connection.flush(timeout=_SECONDS)
        if connection.last_error or problems:
            raise Refused(f"nats: {connection.last_error or problems[-1]}")
    except (Error, OSError, TimeoutError, ValueError) as error:
        if "authorization" in str(error).lower():
            raise Refused(str(error)) from error
        raise Unavailable(str(error) or type(error).__name__) from error
    finally:
        await connection.close()
        # A login that was refused leaves its connection open behind.
        if connection._transport is not None:  # noqa: SLF001
            connection._transport.close()  # noqa: SLF001


async def _servers(address: str) -> list[str]:
    """Each checked as the HTTP client checks its own. Raises Refused."""
    servers = [server.strip() for server in address.split(",") if server.strip()]
    if not servers:
        raise Refused("a nats provider needs the address of a server")
    resolver = GuardedResolver()
    for server in servers:
        try:
            parts = urlsplit(server if "://" in server else f"nats://{server}")
            host, port = parts.hostname, parts.port or 4222
        except ValueError as error:
            raise Refused("the address of a nats provider is not a URL") from error
        if not host or parts.scheme not in {"nats", "tls"}:
            raise Refused("the address of a nats provider is nats://<host>:<port>, or tls://")
        if is_metadata_address(host):
            raise Refused(f"{host} is a metadata or link-local address, which providers may not use")
        try:
            await resolver.resolve(host, port)
        except OSError as error:
            raise Unavailable(f"{host}: {error}") from error
    return servers


def _login(found: Credentials, key: Ed25519PrivateKey | None) -> dict[str, Any]:
    """What the client is told: a user's JWT and seed before a seed, that before user and password."""
    if key is not None:
        jwt = _blocks(found)[0]
        # The client signs nothing unless a user is named, whom it then does not send.
        login: dict[str, Any] = {"user": "nkey", "signature_cb": _signer(key)}
        return login | ({"user_jwt_cb": jwt.encode} if found.creds else {})
    if found.username and found.password:
        return {"user": found.username, "password": found.password}
    return {}


def _signing_key(found: Credentials) -> Ed25519PrivateKey | None:
    if found.creds:
        return private_key(_blocks(found)[1])
    return private_key(found.nkey) if found.nkey else None


def _blocks(found: Credentials) -> tuple[str, str]:
    """The user's JWT and seed. Raises Refused when a file of credentials lacks one."""
    blocks = dict(_BLOCK.findall(found.creds))
    jwt, seed = blocks.get("NATS USER JWT", ""), blocks.get("USER NKEY SEED", "")
    if found.creds and not (jwt and seed):
        raise Refused("'creds' of a nats provider holds a user's JWT and seed")
    return jwt, seed


def private_key(seed: str) -> Ed25519PrivateKey:
    """Of a user's seed, `SU...`: two bytes of kind, 32 of key, two of checksum in base32. Raises Refused."""
    try:
        raw = base64.b32decode(seed.strip() + "=" * (-len(seed.strip()) % 8))
    except (ValueError, binascii.Error) as error:
        raise Refused("the seed of the nats provider cannot be read") from error
    body, checksum = raw[:-2], int.from_bytes(raw[-2:], "little")
    if len(body) != 34 or binascii.crc_hqx(body, 0) != checksum:
        raise Refused("the seed of the nats provider is not whole")
    return Ed25519PrivateKey.from_private_bytes(body[2:])


def public_key(key: Ed25519PrivateKey) -> str:
    """As servers know a user, `U...`."""
    body = bytes([_USER]) + key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    checksum = binascii.crc_hqx(body, 0).to_bytes(2, "little")
    return base64.b32encode(body + checksum).decode().rstrip("=")


def _signer(key: Ed25519PrivateKey) -> Callable[[str], bytes]:
    return lambda nonce: base64.b64encode(key.sign(nonce.encode()))
