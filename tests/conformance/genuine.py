"""A localcluster of its own process, and genuine clients that are let loose on it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.e2e.processes import Program

SECONDS = 60
WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: app, image: "example.com/web:1", ports: [{name: http, containerPort: 8080}]}
"""
"""A Deployment of two replicas."""


def start_localcluster(folder: Path, *flags: str) -> tuple[Program, Path]:
    """The process, ready to serve, and its kubeconfig."""
    kubeconfig = folder / "kubeconfig"
    argv = [sys.executable, "-m", "localcluster", "--kubeconfig", str(kubeconfig), *flags]
    server = Program("localcluster", argv, folder / "log")
    server.start()
    server.wait_file(kubeconfig)
    return server, kubeconfig


@dataclass(frozen=True)
class Client:
    """A command line client with a kubeconfig and, by environment, a home of its own."""

    binary: Path
    kubeconfig: Path
    home: Path

    def run(self, *arguments: str, stdin: str | None = None, fails: bool = False, **env: str) -> str:
        """What it prints: standard output, and where it is to fail the complaint too."""
        done = subprocess.run(
            [str(self.binary), *arguments],
            check=False,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.home), **env},
        )
        shown = f"{' '.join(arguments)}\n{done.stdout}\n{done.stderr}"
        assert (done.returncode != 0) == fails, shown
        return done.stdout + done.stderr if fails else done.stdout

    def json(self, *arguments: str) -> Any:
        return json.loads(self.run(*arguments, "-o", "json"))

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """For what goes on until it is stopped."""
        return subprocess.Popen(
            [str(self.binary), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**os.environ, "KUBECONFIG": str(self.kubeconfig), "HOME": str(self.home)},
        )


def eventually(holds: Callable[[], Any], seconds: float = 20.0) -> None:
    """Until that is true."""
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.05)
