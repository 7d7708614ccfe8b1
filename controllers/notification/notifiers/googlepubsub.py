"""Google Cloud Pub/Sub: the event as the data of a message (10.7).

Google takes a token that the key of the service account signed for this API, so nobody has to be asked
for one, whatever addresses the key names.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import orjson

from controllers.notification.jwt import InvalidKey, sign
from controllers.notification.notifiers.notice import Notice, bearer
from controllers.notification.outgoing import Refused, Request, json_request

API = "https://pubsub.googleapis.com"
_LIFE = 3600


def render(notice: Notice) -> Iterator[Request]:
    """Raises Refused without a project, a topic or a key."""
    if not notice.address:
        raise Refused("GCP project ID cannot be empty")
    if not notice.channel:
        raise Refused("GCP Pub/Sub topic ID cannot be empty")
    message: dict[str, Any] = {"data": base64.b64encode(orjson.dumps(notice.event.render())).decode()}
    if notice.credentials.headers:
        message["attributes"] = dict(notice.credentials.headers)
    project, topic = quote(notice.address, safe=""), quote(notice.channel, safe="")
    url = f"{API}/v1/projects/{project}/topics/{topic}:publish"
    yield json_request(url, {"messages": [message]}, bearer(_token(notice.token)))


def _token(key: str) -> str:
    if not key.strip():
        raise Refused(
            "a googlepubsub provider needs a secret with 'token': the JSON key of a service account"
        )
    try:
        found = orjson.loads(key)
    except orjson.JSONDecodeError as error:
        raise Refused("the token of a googlepubsub provider is the JSON key of a service account") from error
    names = ("client_email", "private_key", "private_key_id")
    given = [found.get(name) for name in names] if isinstance(found, dict) else []
    parts = [part for part in given if isinstance(part, str) and part]
    if len(parts) != len(names):
        raise Refused("the JSON key of the service account is not complete")
    email, pem, key_id = parts
    now = int(time.time())
    claims = {"iss": email, "sub": email, "aud": f"{API}/", "iat": now, "exp": now + _LIFE}
    try:
        return sign(claims, pem, key_id=key_id)
    except InvalidKey as error:
        raise Refused(f"the JSON key of the service account cannot be used: {error}") from error
