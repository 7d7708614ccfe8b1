"""The real libraries against servers that speak the token services' protocols."""

import base64
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import aiohttp
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from shared.cloud import azure, gcp
from shared.cloud.errors import CloudError, IdentityInvalid
from shared.cloud.registry import Cloud, cloud_of, log_in
from tests.fakes.tls import Authority
from tests.unit.shared.cloud.accounts import annotated

PROVIDER = "projects/1234/locations/global/workloadIdentityPools/pool/providers/cluster"
TENANT = "11111111-2222-3333-4444-555555555555"
CLIENT = "66666666-7777-8888-9999-000000000000"


class TokenService(ThreadingHTTPServer):
    """Gives one token to everybody who asks; `asked` holds paths and forms."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, dict[str, list[str]]]] = []
        self.refuse = False


class _Handler(BaseHTTPRequestHandler):
    server: TokenService

    def do_GET(self) -> None:
        origin = f"https://127.0.0.1:{self.server.server_port}/{TENANT}"
        self._answer(
            {
                "issuer": origin,
                "token_endpoint": f"{origin}/oauth2/v2.0/token",
                "authorization_endpoint": f"{origin}/oauth2/v2.0/authorize",
            }
        )

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.asked.append((self.path, parse_qs(body)))
        if self.server.refuse:
            self._answer({"error": "invalid_grant", "error_description": "no\nsuch subject"}, status=400)
            return
        self._answer(
            {
                "access_token": "cloud-token",
                "expires_in": 3600,
                "token_type": "Bearer",
                "issued_token_type": "urn:ietf:params:oauth:token-type:access_token",
            }
        )

    def _answer(self, answer: dict[str, object], status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def service() -> Iterator[TokenService]:
    with TokenService() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def microsoft(service: TokenService, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> TokenService:
    authority = Authority(tmp_path)
    service.socket = authority.server_context().wrap_socket(service.socket, server_side=True)
    bundle = tmp_path / "ca.pem"
    bundle.write_text(authority.pem)
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(bundle))
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", f"https://127.0.0.1:{service.server_port}")
    return service


async def test_azure_exchanges_the_token_of_a_service_account(microsoft: TokenService) -> None:
    owner = annotated({azure.TENANT_ANNOTATION: TENANT, azure.CLIENT_ANNOTATION: CLIENT})

    token = await azure.token(owner, azure.DEVOPS_SCOPE)

    assert token.text == "cloud-token"
    assert token.lives()
    path, form = microsoft.asked[-1]
    assert path == f"/{TENANT}/oauth2/v2.0/token"
    assert form["client_assertion"] == ["token-for-api://AzureADTokenExchange"]
    assert form["client_id"] == [CLIENT]
    assert azure.DEVOPS_SCOPE in form["scope"][0]


async def test_azure_says_no_in_one_line(microsoft: TokenService) -> None:
    microsoft.refuse = True
    owner = annotated({azure.TENANT_ANNOTATION: TENANT, azure.CLIENT_ANNOTATION: CLIENT})

    with pytest.raises(CloudError, match="Azure's login for service account 'tenants/app'") as caught:
        await azure.token(owner, azure.DEVOPS_SCOPE)

    assert "token-for" not in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    "annotations", [{}, {azure.TENANT_ANNOTATION: TENANT}, {azure.CLIENT_ANNOTATION: CLIENT}]
)
async def test_azure_needs_both_annotations(annotations: dict[str, str]) -> None:
    with pytest.raises(IdentityInvalid, match="lacks the annotation"):
        await azure.token(annotated(annotations), azure.DEVOPS_SCOPE)


async def test_google_exchanges_the_token_of_a_service_account(service: TokenService) -> None:
    owner = annotated({gcp.PROVIDER_ANNOTATION: PROVIDER})

    token = await gcp.token(owner, token_url=f"http://127.0.0.1:{service.server_port}/v1/token")

    assert token.text == "cloud-token"
    assert token.lives()
    path, form = service.asked[-1]
    assert path == "/v1/token"
    assert form["audience"] == [f"//iam.googleapis.com/{PROVIDER}"]
    assert form["subject_token"] == [f"token-for-//iam.googleapis.com/{PROVIDER}"]


@pytest.mark.parametrize(
    ("annotations", "words"),
    [
        ({gcp.PROVIDER_ANNOTATION: "projects/x"}, "names no provider"),
        (
            {gcp.PROVIDER_ANNOTATION: PROVIDER, gcp.EMAIL_ANNOTATION: "me@example.org"},
            "is no account of Google",
        ),
    ],
)
async def test_google_refuses_annotations_of_another_shape(annotations: dict[str, str], words: str) -> None:
    with pytest.raises(IdentityInvalid, match=words):
        await gcp.token(annotated(annotations))


@pytest.mark.parametrize(
    ("host", "cloud"),
    [
        ("public.ecr.aws", Cloud.AWS),
        ("fleet.azurecr.io", Cloud.AZURE),
        ("gcr.io", Cloud.GCP),
        ("eu.gcr.io", Cloud.GCP),
        ("europe-west1-docker.pkg.dev", Cloud.GCP),
        ("gcr.io.attacker.example", None),
        ("azurecr.io", None),
        ("ghcr.io", None),
        ("127.0.0.1:5000", None),
    ],
)
def test_whose_registry_a_host_is(host: str, cloud: Cloud | None) -> None:
    assert cloud_of(host) is cloud


@pytest.mark.parametrize("cloud", list(Cloud))
async def test_no_login_is_made_for_another_registry(cloud: Cloud) -> None:
    async with aiohttp.ClientSession() as http:
        with pytest.raises(IdentityInvalid, match=r"registry 'ghcr\.io' is not one of"):
            await log_in(cloud, http, None, "ghcr.io")


async def test_azure_logs_in_with_the_client_secret_of_an_application(microsoft: TokenService) -> None:
    authority = f"https://127.0.0.1:{microsoft.server_port}"

    token = await azure.token_of(
        azure.Application(CLIENT, TENANT, "s3cr3t", authority=authority), azure.STORAGE_SCOPE
    )

    assert token.text == "cloud-token"
    assert microsoft.asked[-1][1]["client_secret"] == ["s3cr3t"]


async def test_an_unreadable_certificate_is_the_users_to_mend() -> None:
    with pytest.raises(IdentityInvalid, match="cannot be used"):
        await azure.token_of(azure.Application(CLIENT, TENANT, certificate=b"PEM"), azure.STORAGE_SCOPE)


async def test_google_logs_in_with_the_key_of_a_service_account(service: TokenService) -> None:
    key = rsa.generate_private_key(65537, 2048)
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    info = {
        "type": "service_account",
        "client_email": "me@project.iam.gserviceaccount.com",
        "private_key": pem,
        "token_uri": f"http://127.0.0.1:{service.server_port}/token",
    }

    token = await gcp.token_of(info, ("scope-a",))

    assert token.text == "cloud-token"
    (assertion,) = service.asked[-1][1]["assertion"]
    claims = json.loads(base64.urlsafe_b64decode(assertion.split(".")[1] + "=="))
    assert (claims["iss"], claims["scope"]) == ("me@project.iam.gserviceaccount.com", "scope-a")


@pytest.mark.parametrize(
    ("info", "words"),
    [
        ({"type": "external_account", "credential_source": {"executable": {}}}, "not the key of a service"),
        ({"type": "service_account"}, "not complete"),
    ],
)
async def test_other_files_of_google_are_refused(info: dict[str, object], words: str) -> None:
    with pytest.raises(IdentityInvalid, match=words):
        await gcp.token_of(info, ())
