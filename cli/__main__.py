"""The program `headwater`: whatever goes wrong is one line on stderr, and an exit status of 1 or more."""

from __future__ import annotations

import io
import os
import sys
from collections.abc import Sequence

import click

from cli.printing import Symbol, say
from cli.problems import CliError
from cli.root import root

_FAILED, _INTERRUPTED = 1, 130


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command. Returns its exit status; never raises for what a user can cause."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # What a condition quotes may be more than the terminal can show.
            stream.reconfigure(errors="replace")
    try:
        status = root.main(
            None if arguments is None else list(arguments), prog_name="headwater", standalone_mode=False
        )
        sys.stdout.flush()
    except click.exceptions.NoArgsIsHelpError as error:
        click.echo(error.ctx.get_help())
        return 0
    except CliError as error:
        return _fail(error.message, error.status, error.symbol)
    except click.ClickException as error:
        return _fail(error.format_message(), _FAILED, Symbol.FAILURE)
    except (KeyboardInterrupt, click.Abort):
        return _INTERRUPTED
    except BrokenPipeError:
        # The reader has seen enough; the interpreter must not complain about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return _FAILED
    return status if isinstance(status, int) else 0


def _fail(message: str, status: int, symbol: Symbol) -> int:
    say(symbol, " ".join(message.split("\n")))
    return status


if __name__ == "__main__":
    sys.exit(main())
