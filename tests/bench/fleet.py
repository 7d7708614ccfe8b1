"""The controllers under measurement: our five processes, or whatever one command starts."""

from __future__ import annotations

import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.bench.cost import Cost
from tests.e2e.conftest import Cluster, start_controllers
from tests.e2e.processes import ControllerProgram, Program, controller, free_port
from tests.e2e.world import RUN_LABEL

VERBS = ("GET", "PATCH", "POST", "PUT", "DELETE", "WATCH")


@dataclass
class Fleet:
    """Programs by name; `hooks_url` is where receivers listen, and empty where that is not known."""

    programs: Mapping[str, Program]
    hooks_url: str = ""

    def costs(self) -> dict[str, Cost]:
        """What each program has cost so far, with the processes that it started."""
        return {name: Cost.of_tree(program.pid) for name, program in self.programs.items()}

    def requests(self) -> dict[str, float]:
        """API requests so far by verb, as our controllers count them; 0 for others."""
        ours = [program for program in self.programs.values() if isinstance(program, ControllerProgram)]
        return {
            verb: sum(program.metric("rest_client_requests_total", method=verb) for program in ours)
            for verb in VERBS
        }

    def stop(self) -> None:
        for program in reversed(list(self.programs.values())):
            program.stop()


def start_ours(kubeconfig: Path, run_id: str, folder: Path) -> Fleet:
    """All five, which hear of each other as in an installation."""
    events, hooks = free_port(), free_port()
    selector = f"--watch-label-selector={RUN_LABEL}={run_id}"
    to = f"--events-addr=http://127.0.0.1:{events}/"
    quiet = "--log-level=info"
    notification = controller(
        "notification",
        kubeconfig,
        folder,
        selector,
        quiet,
        f"--events-addr=127.0.0.1:{events}",
        f"--receiverAddr=127.0.0.1:{hooks}",
    )
    notification.start()
    two = start_controllers(Cluster(kubeconfig, genuine=False), run_id, folder, quiet, to)
    helm = controller("helm", kubeconfig, folder, selector, quiet, to)
    tags = f"--storage-path={folder / 'tags'}"
    image = controller("image_automation", kubeconfig, folder, selector, quiet, to, tags)
    for program in (helm, image):
        program.start()
    programs = {
        "source-controller": two.source,
        "kustomize-controller": two.kustomize,
        "helm-controller": helm,
        "notification-controller": notification,
        "image-automation-controller": image,
    }
    return Fleet(programs, f"http://127.0.0.1:{hooks}")


def start_command(command: str, kubeconfig: Path, run_id: str, folder: Path) -> Fleet:
    """One command that runs controllers of the same APIs until SIGTERM.

    It is told by its environment: KUBECONFIG, BENCH_SELECTOR (the labels of the objects that are its),
    and BENCH_FOLDER, an empty folder for what it stores.
    """
    own = folder / "command"
    own.mkdir()
    env = {
        "KUBECONFIG": str(kubeconfig),
        "BENCH_SELECTOR": f"{RUN_LABEL}={run_id}",
        "BENCH_FOLDER": str(own),
    }
    program = Program("controllers", shlex.split(command), folder / "command.log", {**os.environ, **env})
    program.start()
    return Fleet({"controllers": program})
