"""A connection presents the kubeconfig's client certificate, and trusts only its authority."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
)

from shared.kube.client import KubeClient
from shared.kube.errors import ApiUnreachable
from shared.kube.kubeconfig import Access, KubeconfigRefused
from shared.kube.remote import FixedHeader, open_connection
from shared.model.kinds import CONFIG_MAP
from tests.unit.shared.kube.fake_api import fake_api


class Authority:
    """Signs certificates; `pem` is its own."""

    def __init__(self, name: str) -> None:
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        self.pem = self._signed(self.name, self.key.public_key(), authority=True)

    def issue(self, name: str, encryption: KeySerializationEncryption | None = None) -> tuple[bytes, bytes]:
        """(certificate, private key)"""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, encryption or NoEncryption())
        return self._signed(subject, key.public_key(), authority=False), private

    def _signed(self, subject: x509.Name, key: ec.EllipticCurvePublicKey, *, authority: bool) -> bytes:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(hours=1))
            .not_valid_after(now + timedelta(hours=1))
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
            .add_extension(x509.SubjectAlternativeName([x509.DNSName("api.test")]), critical=False)
        )
        return builder.sign(self.key, SHA256()).public_bytes(Encoding.PEM)


async def _answer(request: web.Request) -> web.Response:
    peer = request.transport.get_extra_info("peercert") if request.transport else {}
    seen = {"peer": dict(part[0] for part in peer["subject"]), "auth": request.headers.get("Authorization")}
    return web.json_response({"items": [], "metadata": {}, "seen": seen})


async def test_client_certificates_reach_the_server(tmp_path: Path) -> None:
    authority = Authority("ca")
    certificate, key = authority.issue("server")
    for name, content in (("crt", certificate), ("key", key), ("ca", authority.pem)):
        (tmp_path / name).write_bytes(content)
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=str(tmp_path / "ca"))
    tls.verify_mode = ssl.CERT_REQUIRED
    tls.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    app = web.Application()
    app.router.add_get("/{path:.*}", _answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=tls).start()
    mine, my_key = authority.issue("me")
    access = Access(
        f"https://127.0.0.1:{runner.addresses[0][1]}",
        ca=authority.pem,
        tls_server_name="api.test",
        certificate=mine,
        private_key=my_key,
        username="u",
        password="p",
    )
    client = KubeClient(await open_connection(access))
    try:
        answer = await client.request("GET", CONFIG_MAP.path("x"))
    finally:
        await client.close()
        await runner.cleanup()
        await asyncio.sleep(0)
    assert answer["seen"] == {"peer": {"commonName": "me"}, "auth": "Basic dTpw"}


async def test_an_encrypted_key_is_refused_and_nobody_is_asked_for_its_password() -> None:
    certificate, key = Authority("ca").issue("me", BestAvailableEncryption(b"secret"))
    with pytest.raises(KubeconfigRefused, match="no pair in PEM"):
        await open_connection(Access("https://x", certificate=certificate, private_key=key))


async def test_another_certificates_key_is_refused() -> None:
    authority = Authority("ca")
    with pytest.raises(KubeconfigRefused, match="no pair in PEM"):
        await open_connection(
            Access("https://x", certificate=authority.issue("a")[0], private_key=authority.issue("b")[1])
        )


@pytest.mark.parametrize(
    ("access", "header"),
    [
        (Access("https://x", token="t"), "Bearer t"),
        (Access("https://x", token="t", username="u"), "Bearer t"),
        (Access("https://x"), None),
    ],
)
async def test_a_token_wins_over_a_password(access: Access, header: str | None) -> None:
    assert await FixedHeader.of(access).get_api_key_with_prefix("BearerToken") == header


async def test_a_call_to_another_cluster_has_half_a_minute() -> None:
    connection = await open_connection(Access("https://127.0.0.1:1"))
    assert connection.seconds == 30.0
    await connection.close()


async def test_a_connection_bounds_every_call() -> None:
    async def silent(_request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(60)
        raise web.HTTPOk

    async with fake_api(silent) as client:
        client._connection.seconds = 0.1
        async with asyncio.timeout(5):
            with pytest.raises(ApiUnreachable):
                await client.get(CONFIG_MAP, "a", "b")
