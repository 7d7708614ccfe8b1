"""One command's talk with one API server, from the flags to the last answer."""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version

import click
import structlog

from cli.kubeconfig import choose
from cli.problems import CliError, explain
from cli.settings import Settings
from shared.kube.access import Connection, NoAccess, connect, connect_with
from shared.kube.client import Identity, KubeClient
from shared.kube.errors import KubeError

FIELD_MANAGER = "headwater"


@dataclass(frozen=True, slots=True)
class Session:
    client: KubeClient
    namespace: str


Work = Callable[[Session], Awaitable[None]]


def with_cluster(ctx: click.Context, work: Work, *, watching: bool = False) -> None:
    """Do the work within --timeout, which is a plain end when `watching`. Raises CliError."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        # Asked for at every line, since a terminal's stream may be another one by then.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )
    settings = Settings.of(ctx)
    try:
        asyncio.run(_talk(settings, work))
    except TimeoutError as error:
        if not watching:
            raise CliError(
                f"context deadline exceeded: not done within {settings.timeout:g} s; see --timeout",
            ) from error
    except KubeError as error:
        raise CliError(explain(error)) from error


async def _talk(settings: Settings, work: Work) -> None:
    chosen = choose(settings, os.environ)
    connection = await _connection(chosen.config)
    identity = Identity(settings.as_user, settings.as_groups) if settings.as_user else None
    client = KubeClient(connection, user_agent=f"headwater/{program_version()}", identity=identity)
    namespace = chosen.namespace if settings.follows_context and chosen.namespace else settings.namespace
    try:
        async with asyncio.timeout(settings.timeout):
            await work(Session(client, namespace))
    finally:
        await client.close()


async def _connection(config: object) -> Connection:
    if isinstance(config, dict):
        return await connect_with(config)
    try:
        return await connect()
    except NoAccess as error:
        raise CliError(
            "there is no kubeconfig: name one by --kubeconfig or $KUBECONFIG, or put it at ~/.kube/config"
        ) from error


def program_version() -> str:
    try:
        return version("headwater")
    except PackageNotFoundError:
        return "unreleased"
