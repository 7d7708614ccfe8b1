"""Jobs for worker processes that misbehave."""

import os
import time
from typing import Any


def die(argument: dict[str, Any]) -> dict[str, Any]:
    os._exit(3)


def sleep(argument: dict[str, Any]) -> dict[str, Any]:
    time.sleep(argument["seconds"])
    return {}
