"""helm-controller as a process: `python -m controllers.helm`."""

from __future__ import annotations

import os
import sys
from functools import partial

from controllers.helm.settings import Settings
from controllers.helm.wiring import assemble
from shared.runtime.process import run


def main() -> int:
    settings = Settings.from_process(sys.argv[1:], os.environ)
    grace = settings.grace.total_seconds()
    return run(settings.runtime, partial(assemble, settings=settings), grace=grace)


if __name__ == "__main__":
    sys.exit(main())
