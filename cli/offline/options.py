"""The flags that `build`, `diff` and `test` of a repository share."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from cli.groups import LazyGroup
from cli.problems import CliError
from cli.settings import Settings

if TYPE_CHECKING:
    from cli.offline.repository import Outcome, Request

_SHARED = (
    click.argument("path", type=click.Path(exists=True, file_okay=False, path_type=Path)),
    click.option(
        "--source",
        "sources",
        metavar="NAME=DIR",
        multiple=True,
        help="Folder that stands for a source; repeatable.",
    ),
    click.option(
        "--charts",
        type=click.Path(exists=True, file_okay=False, path_type=Path),
        metavar="DIR",
        help="Folder of packed charts that stands for Helm and OCI repositories.",
    ),
    click.option(
        "--kube-version",
        default="v1.34.0",
        metavar="VERSION",
        help="Kubernetes version that charts are told.",
    ),
    click.option("--strict-substitute", is_flag=True, help="Undefined variables are errors."),
    click.option(
        "--sops-key-file",
        "key_files",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        multiple=True,
        help="age identities, or a PGP key in a file *.asc, to decrypt by; repeatable.",
    ),
)


class RepositoryGroup(LazyGroup):
    """A group whose first word may be a directory instead of a command: then `repository` is meant."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self._named and not args[0].startswith("-") and Path(args[0]).is_dir():
            args = ["repository", *args]
        return super().resolve_command(ctx, args)


def shared_options(function: Callable[..., Any]) -> Callable[..., Any]:
    for option in reversed(_SHARED):
        function = option(function)
    return function


def request_of(given: dict[str, Any]) -> Request:
    """Raises CliError."""
    from cli.offline.key_files import KeyFiles
    from cli.offline.places import checkout_of, given_places
    from cli.offline.repository import Request

    folder: Path = given["path"].resolve()
    charts: Path | None = given["charts"]
    return Request(
        root=checkout_of(folder),
        folder=folder,
        sources=given_places(given["sources"]),
        charts=charts.resolve() if charts else None,
        kube_version=given["kube_version"],
        strict=given["strict_substitute"],
        keys=KeyFiles.read(given["key_files"]),
    )


def run(ctx: click.Context, request: Request) -> Outcome:
    """Within --timeout. Raises CliError."""
    from cli.offline.repository import build_repository

    settings = Settings.of(ctx)

    async def work() -> Outcome:
        async with asyncio.timeout(settings.timeout):
            return await build_repository(request)

    try:
        return asyncio.run(work())
    except TimeoutError as error:
        raise CliError(f"context deadline exceeded: not built within {settings.timeout:g} s") from error
