"""`python -m localcluster --kubeconfig OUT`: an API server until SIGTERM or SIGINT."""

from __future__ import annotations

import argparse
import asyncio
import logging
import secrets
import signal
import sys
from pathlib import Path

from localcluster.controllers.settings import add_workload_flags, read_workload_flags


def main() -> None:
    options = _arguments(sys.argv[1:])
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    asyncio.run(_serve(options))


def _arguments(argv: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m localcluster", description="An embedded Kubernetes API.")
    parser.add_argument(
        "--kubeconfig", type=Path, required=True, help="where to write it once ready to serve"
    )
    parser.add_argument("--listen", default="127.0.0.1:0", metavar="ADDR:PORT", help="port 0: any free one")
    parser.add_argument("--token", help="the administrator's bearer token (default: a random one)")
    parser.add_argument("--data", type=Path, metavar="FILE", help="keep the state in this file")
    parser.add_argument("--insecure-http", action="store_true", help="no TLS")
    add_workload_flags(parser)
    return parser.parse_args(argv)


async def _serve(options: argparse.Namespace) -> None:
    from localcluster.auth.users import ADMIN
    from localcluster.kubeconfig import write_kubeconfig
    from localcluster.process import Server, Settings

    host, _, port = options.listen.rpartition(":")
    settings = Settings(
        token=options.token or secrets.token_urlsafe(24),
        host=host.strip("[]") or "127.0.0.1",
        port=int(port),
        insecure_http=options.insecure_http,
        data=options.data,
        workloads=read_workload_flags(options),
    )
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with Server(settings) as server:
        identity = server.identity(ADMIN)
        write_kubeconfig(options.kubeconfig, server.url, settings.token, server.authority, identity)
        logging.getLogger("localcluster").info("serving at %s", server.url)
        await stop.wait()


if __name__ == "__main__":
    main()
