"""Azure Event Hubs: the event as one message, over HTTPS instead of AMQP (10.10).

The address is a connection string with a shared access key, or the hub's name beside a token.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import time
from collections.abc import Iterator
from urllib.parse import quote, urlsplit

import orjson

from controllers.notification.notifiers.notice import Notice, bearer
from controllers.notification.outgoing import Refused, Request

_LIFE = 3600
_CONTENT_TYPE = "application/atom+xml;type=entry;charset=utf-8"
_CLOUDS = (("chinacloudapi.cn", "chinacloudapi.cn"), ("microsoftonline.us", "usgovcloudapi.net"))


def render(notice: Notice) -> Iterator[Request]:
    """Raises Refused when the ways to log in contradict each other, or there is none."""
    headers = {"Content-Type": _CONTENT_TYPE}
    if "SharedAccessKey" in notice.address:
        if notice.token.strip():
            raise Refused("jwt token and SAS authentication cannot be set at the same time")
        url, authorization = _shared_access(notice.address)
        headers["Authorization"] = authorization
    else:
        if not notice.address or not notice.channel:
            raise Refused("an azureeventhub provider needs the hub as address and its namespace as channel")
        url = f"https://{_host(notice.channel)}/{quote(notice.address, safe='')}"
        headers |= bearer(notice.require_token())
    yield Request(f"{url}/messages", orjson.dumps(notice.event.render()), headers=headers)


def _shared_access(connection: str) -> tuple[str, str]:
    """The hub's address and a signature for it, from a connection string."""
    pairs = (part.partition("=") for part in connection.split(";"))
    fields = {key.strip(): value.strip() for key, _, value in pairs}
    host = urlsplit(fields.get("Endpoint", "")).hostname
    hub, name, key = (
        fields.get(field, "") for field in ("EntityPath", "SharedAccessKeyName", "SharedAccessKey")
    )
    if not (host and hub and name and key):
        raise Refused(
            "the connection string needs Endpoint, SharedAccessKeyName, SharedAccessKey and EntityPath"
        )
    url = f"https://{host}/{quote(hub, safe='')}"
    return url, shared_access_signature(url, name, key, int(time.time()) + _LIFE)


def shared_access_signature(url: str, name: str, key: str, expires: int) -> str:
    """The Authorization header; `expires` in seconds of the epoch."""
    resource = quote(url, safe="")
    digest = hmac.new(key.encode(), f"{resource}\n{expires}".encode(), hashlib.sha256).digest()
    signature = quote(base64.b64encode(digest).decode(), safe="")
    return f"SharedAccessSignature sr={resource}&sig={signature}&se={expires}&skn={quote(name, safe='')}"


def _host(namespace: str) -> str:
    """A namespace without a domain is of the cloud that the process logs in to."""
    if ".servicebus." in namespace:
        return namespace
    authority = os.environ.get("AZURE_AUTHORITY_HOST", "")
    domain = next((domain for mark, domain in _CLOUDS if mark in authority), "windows.net")
    return f"{namespace}.servicebus.{domain}"
