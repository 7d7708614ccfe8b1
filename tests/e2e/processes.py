"""Start, watch and stop the real programs: controllers and the embedded cluster, as users run them."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_START_SECONDS = 30.0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class Program:
    """One process of ours; its output goes to `log`."""

    name: str
    argv: list[str]
    log: Path
    env: Mapping[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert self._process is None, f"{self.name} runs already"
        with self.log.open("ab") as out:
            self._process = subprocess.Popen(
                self.argv,
                cwd=ROOT,
                stdout=out,
                stderr=out,
                stdin=subprocess.DEVNULL,
                env={**os.environ, "PYTHONUNBUFFERED": "1", **self.env},
            )

    def kill(self) -> None:
        """kill -9: nothing gets the chance to tidy up."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def stop(self, seconds: float = 20.0) -> int:
        """SIGTERM; returns the exit status. A process that does not go is killed and fails the test."""
        if self._process is None:
            return 0
        process, self._process = self._process, None
        process.send_signal(signal.SIGTERM)
        try:
            return process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise AssertionError(f"{self.name} did not stop on SIGTERM:\n{self.tail()}") from None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def tail(self, lines: int = 40) -> str:
        return (
            "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:]) if self.log.exists() else ""
        )

    def wait_http(self, url: str) -> None:
        """Until that answers 200; the process must live meanwhile."""
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline:
            assert self.alive, f"{self.name} died at the start:\n{self.tail()}"
            try:
                with urllib.request.urlopen(url, timeout=2) as answer:
                    if answer.status == 200:
                        return
            except (urllib.error.URLError, OSError):
                pass
            time.sleep(0.05)
        raise AssertionError(f"{self.name} is not ready after {_START_SECONDS:.0f} s:\n{self.tail()}")

    def wait_file(self, path: Path) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not path.exists():
            assert self.alive, f"{self.name} died at the start:\n{self.tail()}"
            assert time.monotonic() < deadline, f"{self.name} is not ready:\n{self.tail()}"
            time.sleep(0.02)


@dataclass
class ControllerProgram(Program):
    """A controller with ports of its own."""

    health_port: int = 0
    metrics_port: int = 0

    def start(self) -> None:
        super().start()
        self.wait_http(f"http://127.0.0.1:{self.health_port}/readyz")

    def metric(self, series: str, /, **labels: str) -> float:
        """The sum of all of that series with these labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            float(line.rsplit(" ", 1)[1])
            for line in lines
            if line.partition("{")[0].partition(" ")[0] == series and all(item in line for item in wanted)
        )


def controller(module: str, kubeconfig: Path, folder: Path, *flags: str, **env: str) -> ControllerProgram:
    """`python -m controllers.<module>` on free ports; start it yourself."""
    health, metrics = free_port(), free_port()
    argv = [
        sys.executable,
        "-m",
        f"controllers.{module}",
        f"--kubeconfig={kubeconfig}",
        f"--health-addr=127.0.0.1:{health}",
        f"--metrics-addr=127.0.0.1:{metrics}",
        "--log-level=debug",
        *flags,
    ]
    log = folder / f"{module}.log"
    return ControllerProgram(module, argv, log, env, None, health, metrics)
