"""Between controllers and an API server: counts requests by verb, whoever made them.

    python -m tests.bench.counting_proxy --upstream KUBECONFIG --kubeconfig OUT

It listens on loopback without TLS, adds the upstream's credentials, and answers GET /bench/requests
with the counts. A process of its own, so that its work is nobody else's; it costs a millisecond a call.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
from collections import Counter
from pathlib import Path

from aiohttp import ClientError, ClientResponse, ClientTimeout, web

from shared.kube.access import Connection, connect

COUNTS = "/bench/requests"
_LARGEST = 8 * 1024 * 1024
_HOP = {"connection", "transfer-encoding", "keep-alive", "host", "authorization", "content-length", "upgrade"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.counting_proxy")
    parser.add_argument("--upstream", required=True)
    parser.add_argument("--kubeconfig", type=Path, required=True)
    chosen = parser.parse_args()
    asyncio.run(_serve(chosen.upstream, chosen.kubeconfig))


async def _serve(upstream: str, out: Path) -> None:
    connection = await connect(upstream)
    proxy = _Proxy(connection)
    application = web.Application(client_max_size=_LARGEST)
    application.router.add_get(COUNTS, proxy.counts)
    application.router.add_route("*", "/{path:.*}", proxy.forward)
    runner = web.AppRunner(application, auto_decompress=False, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    _write(out, f"http://{host}:{port}")
    await asyncio.Event().wait()


class _Proxy:
    def __init__(self, connection: Connection) -> None:
        self._connection, self._counts = connection, Counter[str]()

    async def counts(self, _request: web.Request) -> web.Response:
        return web.json_response(self._counts)

    async def forward(self, request: web.Request) -> web.StreamResponse:
        watch = request.query.get("watch") in {"true", "1"}
        self._counts["WATCH" if watch else request.method] += 1
        headers = {key: value for key, value in request.headers.items() if key.lower() not in _HOP}
        headers["Authorization"] = await self._connection.authorization() or ""
        try:
            async with self._connection.session.request(
                request.method,
                self._connection.base_url + request.raw_path,
                headers=headers,
                data=await request.read(),
                timeout=ClientTimeout(total=None if watch else 60),
                auto_decompress=False,
            ) as answer:
                return await _pass_on(request, answer)
        except ClientError as error:
            return web.Response(status=502, text=str(error))


async def _pass_on(request: web.Request, answer: ClientResponse) -> web.StreamResponse:
    kept = {key: value for key, value in answer.headers.items() if key.lower() not in _HOP}
    response = web.StreamResponse(status=answer.status, headers=kept)
    await response.prepare(request)
    async for chunk in answer.content.iter_any():
        await response.write(chunk)
    await response.write_eof()
    return response


def _write(path: Path, server: str) -> None:
    named = {"name": "bench"}
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [named | {"cluster": {"server": server}}],
        "users": [named | {"user": {"token": "counted"}}],
        "contexts": [named | {"context": {"cluster": "bench", "user": "bench"}}],
        "current-context": "bench",
    }
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(config))
    temporary.replace(path)


if __name__ == "__main__":
    main()
