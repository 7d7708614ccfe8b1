"""`headwater envsubst`: the environment in a text, by the rules of `postBuild` (specs/cli.md 15)."""

from __future__ import annotations

import os
import sys

import click

from cli.groups import Leaf
from cli.problems import CliError


def _run(*, strict: bool) -> None:
    from shared.logic.expansion import BadSubstitution
    from shared.logic.substitution import substitute

    for line in sys.stdin:
        try:
            sys.stdout.write(substitute(line, os.environ, strict=strict))
        except BadSubstitution as error:
            raise CliError(str(error)) from error


envsubst = Leaf(
    "envsubst",
    callback=_run,
    help="Replace ${VARIABLES} of the environment in standard input.",
    params=[click.Option(["--strict"], is_flag=True, help="Fail for a variable that has no value.")],
)
