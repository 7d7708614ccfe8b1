"""Jobs for worker processes that misbehave."""

import os
import sys
import time
from typing import Any


def die(argument: dict[str, Any]) -> dict[str, Any]:
    os._exit(3)


def sleep(argument: dict[str, Any]) -> dict[str, Any]:
    time.sleep(argument["seconds"])
    return {}


def say_pid(argument: dict[str, Any]) -> dict[str, Any]:
    """Tell on stderr who works, then never end."""
    sys.stderr.write(f"{os.getpid()}\n")
    sys.stderr.flush()
    time.sleep(3600)
    return {}
