"""image-automation-controller as a process: `python -m controllers.image_automation`."""

from __future__ import annotations

import os
import sys
from functools import partial

from controllers.image_automation.settings import InvalidSettings, Settings
from controllers.image_automation.wiring import assemble
from shared.runtime.process import run


def main() -> int:
    try:
        settings = Settings.from_process(sys.argv[1:], os.environ)
    except InvalidSettings as error:
        sys.exit(f"image-automation-controller: {error}")
    return run(settings.runtime, partial(assemble, settings=settings))


if __name__ == "__main__":
    sys.exit(main())
