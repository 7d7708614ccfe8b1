"""`python -m shared.kustomize DIR [--load-restrictor=LoadRestrictionsNone]`: print a build."""

import os
import sys

from shared.kustomize.build import build
from shared.kustomize.errors import BuildError
from shared.kustomize.options import LoadRestrictions, Options

_USAGE = "usage: python -m shared.kustomize [DIR] [--load-restrictor=LoadRestrictionsNone]"
_FLAG = "--load-restrictor"


def main(arguments: list[str]) -> int:
    directories: list[str] = []
    restrictor = LoadRestrictions.ROOT_ONLY.value
    waiting = iter(arguments)
    for argument in waiting:
        if argument in ("-h", "--help"):
            sys.stdout.write(_USAGE + "\n")
            return 0
        if argument == _FLAG or argument.startswith(_FLAG + "="):
            _, equals, value = argument.partition("=")
            restrictor = value if equals else next(waiting, "")
        elif argument.startswith("-"):
            return _failed(f"unknown flag {argument}; {_USAGE}")
        else:
            directories.append(argument)
    if len(directories) > 1 or restrictor not in {known.value for known in LoadRestrictions}:
        return _failed(_USAGE)
    directory = os.path.abspath(directories[0] if directories else ".")  # noqa: PTH100 - links are followed later
    try:
        result = build("/", directory, Options(load_restrictions=LoadRestrictions(restrictor)))
    except BuildError as error:
        return _failed(str(error))
    for warning in result.warnings:
        sys.stderr.write(f"# Warning: {_here(warning)}\n")
    try:
        sys.stdout.write(result.yaml())
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _failed(message: str) -> int:
    sys.stderr.write(f"error: {_here(' '.join(message.split()))}\n")
    return 1


def _here(message: str) -> str:
    """Paths of messages are relative to the root of the machine; here they are to the current directory."""
    here = os.getcwd().strip("/")  # noqa: PTH109 - pathlib costs more than the rest of this start
    return message.replace(f"{here}/", "") if here else message


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
