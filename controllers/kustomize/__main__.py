"""kustomize-controller as a process: `python -m controllers.kustomize`."""

from __future__ import annotations

import os
import sys
from functools import partial

from controllers.kustomize.settings import Settings
from controllers.kustomize.wiring import assemble
from shared.runtime.process import run


def main() -> int:
    settings = Settings.from_process(sys.argv[1:], os.environ)
    return run(settings.runtime, partial(assemble, settings=settings))


if __name__ == "__main__":
    sys.exit(main())
