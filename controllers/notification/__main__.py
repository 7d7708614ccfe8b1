"""notification-controller as a process: `python -m controllers.notification`."""

from __future__ import annotations

import os
import sys
from functools import partial

from controllers.notification.settings import InvalidSettings, Settings
from controllers.notification.wiring import assemble, everywhere
from shared.runtime.process import run


def main() -> int:
    try:
        settings = Settings.from_process(sys.argv[1:], os.environ)
    except InvalidSettings as error:
        sys.exit(f"notification-controller: {error}")
    return run(
        settings.runtime,
        partial(assemble, settings=settings),
        everywhere=partial(everywhere, settings=settings),
    )


if __name__ == "__main__":
    sys.exit(main())
