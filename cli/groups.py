"""Commands that are imported when they are used, and options that may stand anywhere behind their group."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

_KEY = "headwater."


class Inherited(click.Option):
    """An option of a group that its commands understand as well; the last one given counts."""

    def __init__(self, *declarations: str, **attributes: Any) -> None:
        super().__init__(declarations, expose_value=False, callback=_remember, **attributes)


def _remember(ctx: click.Context, parameter: click.Parameter, value: Any) -> Any:
    if value not in (None, False, ()):
        ctx.meta[f"{_KEY}{parameter.name}"] = value
    return value


def given(ctx: click.Context, name: str, default: Any = None) -> Any:
    """The value of an inherited option, wherever on the command line it stood."""
    return ctx.meta.get(f"{_KEY}{name}", default)


@dataclass(frozen=True, slots=True)
class Entry:
    """A command, or where it is (`package.module:attribute`), and what the list of commands says about it."""

    target: str | click.Command
    summary: str
    aliases: tuple[str, ...] = ()

    def load(self) -> click.Command:
        if isinstance(self.target, click.Command):
            return self.target
        module, _, attribute = self.target.partition(":")
        command = getattr(importlib.import_module(module), attribute)
        assert isinstance(command, click.Command)
        return command


class Leaf(click.Command):
    """A command with the options that it shares with others."""

    def __init__(self, *arguments: Any, inherited: Sequence[Inherited] = (), **attributes: Any) -> None:
        super().__init__(*arguments, **attributes)
        self.params += inherited

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        _write_options(self, ctx, formatter)


class LazyGroup(click.Group):
    """Its help names every command and imports none."""

    def __init__(
        self,
        name: str,
        *,
        entries: Mapping[str, Entry],
        inherited: Sequence[Inherited] = (),
        **attributes: Any,
    ) -> None:
        super().__init__(name, no_args_is_help=True, **attributes)
        self._entries = dict(entries)
        self._named = {word: entry for name, entry in entries.items() for word in (name, *entry.aliases)}
        self.params += inherited

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's signature
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = self._named.get(cmd_name)
        if entry is None and not ctx.resilient_parsing and not cmd_name.startswith("-"):
            raise click.exceptions.NoSuchCommand(cmd_name, possibilities=self._named, ctx=ctx)
        return None if entry is None else entry.load()

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        self.format_commands(ctx, formatter)
        _write_options(self, ctx, formatter)

    def format_commands(
        self,
        ctx: click.Context,  # noqa: ARG002 - click's signature
        formatter: click.HelpFormatter,
    ) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self._entries.items()])


def _write_options(command: click.Command, ctx: click.Context, formatter: click.HelpFormatter) -> None:
    sections: dict[str, list[tuple[str, str]]] = {"Options": [], "Shared options": []}
    for parameter in command.get_params(ctx):
        record = parameter.get_help_record(ctx)
        if record is not None:
            sections["Shared options" if isinstance(parameter, Inherited) else "Options"].append(record)
    for title, records in sections.items():
        if records:
            with formatter.section(title):
                formatter.write_dl(records)
