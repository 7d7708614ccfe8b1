"""Logins to Google and Azure, checked with the other half of the key."""

from __future__ import annotations

import base64

import orjson
import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from controllers.notification.notifiers import azureeventhub, googlepubsub
from controllers.notification.outgoing import Refused
from tests.unit.controllers.notification.words import notice

KEY = rsa.generate_private_key(65537, 2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()
ACCOUNT = {"client_email": "a@p.iam.gserviceaccount.com", "private_key": PEM, "private_key_id": "k1"}
CONNECTION = "Endpoint=sb://ns.servicebus.windows.net/;SharedAccessKeyName=send;SharedAccessKey=a2V5PT0=;EntityPath=hub"


def decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def test_pubsub_gets_a_message_and_a_token_that_its_key_signed() -> None:
    given = notice(
        address="project", channel="topic", token=orjson.dumps(ACCOUNT).decode(), headers={"a": "1"}
    )
    (request,) = googlepubsub.render(given)
    assert request.url == "https://pubsub.googleapis.com/v1/projects/project/topics/topic:publish"
    (message,) = orjson.loads(request.body or b"")["messages"]
    assert orjson.loads(base64.b64decode(message["data"])) == given.event.render()
    assert message["attributes"] == {"a": "1"}
    head, claims, signature = request.headers["Authorization"].removeprefix("Bearer ").split(".")
    KEY.public_key().verify(
        decoded(signature), f"{head}.{claims}".encode(), padding.PKCS1v15(), hashes.SHA256()
    )
    assert orjson.loads(decoded(head)) == {"alg": "RS256", "typ": "JWT", "kid": "k1"}
    found = orjson.loads(decoded(claims))
    assert (found["iss"], found["sub"], found["aud"]) == (ACCOUNT["client_email"],) * 2 + (
        "https://pubsub.googleapis.com/",
    )
    assert found["exp"] - found["iat"] == 3600


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"address": ""}, "GCP project ID cannot be empty"),
        ({"channel": ""}, "GCP Pub/Sub topic ID cannot be empty"),
        ({"token": ""}, "JSON key of a service account"),
        ({"token": "xoxb"}, "JSON key of a service account"),
        ({"token": "[]"}, "not complete"),
        ({"token": orjson.dumps(ACCOUNT | {"private_key": "no"}).decode()}, "cannot be used"),
    ],
)
def test_pubsub_says_what_it_needs(spec: dict[str, str], words: str) -> None:
    with pytest.raises(Refused, match=words):
        list(googlepubsub.render(notice(**{"address": "p", "channel": "t", "token": "x"} | spec)))  # type: ignore[arg-type]


def test_a_shared_access_key_signs_the_address_of_the_hub() -> None:
    given = notice(address=CONNECTION)
    (request,) = azureeventhub.render(given)
    assert request.url == "https://ns.servicebus.windows.net/hub/messages"
    assert orjson.loads(request.body or b"") == given.event.render()
    # openssl dgst -sha256 -hmac 'a2V5PT0=' over the escaped address, a newline and the time.
    assert azureeventhub.shared_access_signature(
        "https://ns.servicebus.windows.net/hub", "send", "a2V5PT0=", 1800000000
    ) == (
        "SharedAccessSignature sr=https%3A%2F%2Fns.servicebus.windows.net%2Fhub&sig=%2F0dSJfqrmxYMRDtSRV8cBWB8ep0QjJCoKrUG%2BSoTTdo%3D&se=1800000000&skn=send"
    )


@pytest.mark.parametrize(
    ("authority", "namespace", "host"),
    [
        ("", "ns", "ns.servicebus.windows.net"),
        ("https://login.chinacloudapi.cn/", "ns", "ns.servicebus.chinacloudapi.cn"),
        ("https://login.microsoftonline.us/", "ns", "ns.servicebus.usgovcloudapi.net"),
        ("", "ns.servicebus.example", "ns.servicebus.example"),
    ],
)
def test_a_token_and_the_cloud_it_is_for(
    monkeypatch: pytest.MonkeyPatch, authority: str, namespace: str, host: str
) -> None:
    monkeypatch.setenv("AZURE_AUTHORITY_HOST", authority)
    (request,) = azureeventhub.render(notice(address="hub", channel=namespace, token="jwt"))
    assert (request.url, request.headers["Authorization"]) == (f"https://{host}/hub/messages", "Bearer jwt")


@pytest.mark.parametrize(
    "spec",
    [
        {"address": CONNECTION, "token": "jwt"},
        {"address": CONNECTION.replace("EntityPath=hub", "")},
        {"address": "hub", "token": "jwt"},
        {"address": "hub", "channel": "ns"},
    ],
    ids=["two logins", "no hub", "no namespace", "no login"],
)
def test_event_hubs_say_what_they_need(spec: dict[str, str]) -> None:
    with pytest.raises(Refused):
        list(azureeventhub.render(notice(**spec)))  # type: ignore[arg-type]
