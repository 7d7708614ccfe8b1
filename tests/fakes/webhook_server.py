"""An admission webhook in the test's own event loop, over TLS with an authority of its own."""

from __future__ import annotations

import base64
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import orjson
from aiohttp import web

from localcluster.certificates import Serving, make_certificates

Json = dict[str, Any]
Answering = Callable[[Json], Json]


class WebhookServer:
    """`answer` makes the `response` of a review from its `request`; `reviews` are those that came."""

    def __init__(self, serving: Serving) -> None:
        self.url = ""
        self.port = 0
        self.authority = base64.b64encode(serving.authority).decode()
        self.reviews: list[Json] = []
        self.paths: list[str] = []
        self.answers: dict[str, Answering] = {}

    def on(self, path: str, answer: Answering) -> Json:
        """Answer reviews at a path; returns the clientConfig by which it is reached."""
        self.answers[path] = answer
        return {"url": self.url + path, "caBundle": self.authority}

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        review = orjson.loads(await request.read())
        self.paths.append(request.path_qs)
        self.reviews.append(review["request"])
        response = self.answers[request.path](review["request"])
        if "raw" in response:
            return web.Response(body=response["raw"], status=response.get("status", 200))
        body = {"apiVersion": review["apiVersion"], "kind": review["kind"]}
        return web.json_response({**body, "response": {"uid": review["request"]["uid"], **response}})


@asynccontextmanager
async def webhook_server(name: str = "hook.default.svc") -> AsyncIterator[WebhookServer]:
    """Listens on a free port of loopback; its certificate is good for 127.0.0.1 and `name`."""
    serving = make_certificates(name)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:
        certificate, key = Path(folder, "tls.crt"), Path(folder, "tls.key")
        certificate.write_bytes(serving.certificate)
        key.write_bytes(serving.key)
        context.load_cert_chain(certificate, key)
    started = WebhookServer(serving)
    runner = web.ServerRunner(web.Server(started.handle))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    started.port = runner.addresses[0][1]
    started.url = f"https://127.0.0.1:{started.port}"
    try:
        yield started
    finally:
        await runner.cleanup()


def allow(request: Json) -> Json:
    return {"allowed": True}


def patching(*operations: Json) -> Answering:
    patch = base64.b64encode(orjson.dumps(list(operations))).decode()
    return lambda _: {"allowed": True, "patchType": "JSONPatch", "patch": patch}


def denying(**status: Any) -> Answering:
    return lambda _: {"allowed": False, "status": status}
