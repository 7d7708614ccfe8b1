"""The real library against a server that speaks AWS's protocols."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import parse_qs

import pytest

from shared.cloud import aws, codecommit
from shared.cloud.errors import CloudError, IdentityInvalid
from tests.fakes.amazon import Amazon
from tests.unit.shared.cloud.accounts import annotated

ROLE = "arn:aws:iam::123456789012:role/puller"
HOST = "123456789012.dkr.ecr.eu-west-1.amazonaws.com"


@pytest.fixture
def amazon(monkeypatch: pytest.MonkeyPatch) -> Iterator[Amazon]:
    with Amazon() as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield server
        server.shutdown()


async def test_a_service_account_gets_the_keys_of_its_role(amazon: Amazon) -> None:
    keys = await aws.credentials(annotated({aws.ROLE_ANNOTATION: ROLE}), "eu-west-1")

    assert (keys.access_key_id, keys.secret_access_key, keys.session_token) == (
        "ASIAROLE",
        "role-secret",
        "role-session",
    )
    assert keys.expires == datetime(2099, 1, 1, tzinfo=UTC)
    ((body, signature),) = amazon.asked
    form = parse_qs(body)
    assert form["RoleArn"] == [ROLE]
    assert form["WebIdentityToken"] == ["token-for-sts.amazonaws.com"]
    assert form["RoleSessionName"] == ["app.tenants.eu-west-1.fluxcd.io"]
    assert signature == "", "the exchange of a token needs no other credentials"


async def test_a_registry_login_is_signed_with_the_keys_of_the_role(amazon: Amazon) -> None:
    token = await aws.registry_login(annotated({aws.ROLE_ANNOTATION: ROLE}), HOST)

    assert (token.username, token.text) == ("AWS", "pass:word")
    assert "Credential=ASIAROLE/" in amazon.asked[-1][1]
    assert "/eu-west-1/ecr/" in amazon.asked[-1][1], "the region is that of the host's name"


async def test_the_process_uses_what_its_environment_gives(
    amazon: Amazon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAOWN")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "own-secret")

    await aws.registry_login(None, HOST)

    assert "Credential=AKIAOWN/" in amazon.asked[-1][1]


async def test_a_refusal_is_one_line_without_the_token(amazon: Amazon) -> None:
    amazon.refuse = True

    with pytest.raises(CloudError, match="AWS STS for the role of service account 'tenants/app'") as caught:
        await aws.credentials(annotated({aws.ROLE_ANNOTATION: ROLE}), "eu-west-1")

    assert "token-for" not in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_without_any_credentials_the_message_says_where_they_were_sought(
    amazon: Amazon, monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", f"{tmp_path}/none")
    monkeypatch.setenv("AWS_CONFIG_FILE", f"{tmp_path}/none")
    with pytest.raises(CloudError, match="no AWS credentials were found"):
        await aws.credentials(None, "eu-west-1")


@pytest.mark.parametrize(
    ("annotations", "region", "endpoint", "words"),
    [
        ({}, "eu-west-1", "", "no valid role"),
        ({aws.ROLE_ANNOTATION: "arn:aws:s3:::bucket"}, "eu-west-1", "", "no valid role"),
        ({aws.ROLE_ANNOTATION: ROLE}, "", "", "region is needed"),
        ({aws.ROLE_ANNOTATION: ROLE}, "eu-west-1", "https://sts.attacker.example", "invalid STS endpoint"),
        ({aws.ROLE_ANNOTATION: ROLE}, "eu-west-1", "http://sts.amazonaws.com", "invalid STS endpoint"),
    ],
)
async def test_what_cannot_work_asks_nobody(
    annotations: dict[str, str], region: str, endpoint: str, words: str
) -> None:
    with pytest.raises(IdentityInvalid, match=words):
        await aws.credentials(annotated(annotations), region, endpoint=endpoint)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        (HOST, True),
        ("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com", True),
        ("123456789012.dkr-ecr.eu-west-1.on.aws", True),
        ("123456789012.dkr.ecr.cn-north-1.amazonaws.com.cn", True),
        ("public.ecr.aws", True),
        ("123456789012.dkr.ecr.eu-west-1.amazonaws.com.attacker.example", False),
        ("ghcr.io", False),
    ],
)
def test_hosts(host: str, expected: bool) -> None:
    assert aws.is_registry(host) is expected


def test_a_codecommit_login_is_a_signature_of_the_path() -> None:
    keys = aws.AwsCredentials("AKIA", "secret", "sess", datetime(2030, 1, 1, tzinfo=UTC))
    url = "https://git-codecommit.eu-west-1.amazonaws.com/v1/repos/fleet"

    username, password = codecommit.login(keys, url, datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))

    assert username == "AKIA%sess"
    assert password.startswith("20260102T030405Z")
    assert len(password) == len("20260102T030405Z") + 64
    assert password != codecommit.login(keys, url + "2", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC))[1]


@pytest.mark.parametrize(
    "url",
    [
        "http://git-codecommit.eu-west-1.amazonaws.com/v1/repos/fleet",
        "https://git-codecommit.eu-west-1.amazonaws.com.attacker.example/v1/repos/fleet",
        "https://github.com/org/fleet",
    ],
)
def test_keys_are_made_for_codecommit_alone(url: str) -> None:
    with pytest.raises(IdentityInvalid, match="CodeCommit"):
        codecommit.region_of(url)
