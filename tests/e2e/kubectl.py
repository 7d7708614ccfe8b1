"""A genuine kubectl against the cluster of the tests."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.peers import find

KUBECTL = find("kubectl")
_SECONDS = 60


class Kubectl:
    def __init__(self, kubeconfig: Path) -> None:
        self._command = [str(KUBECTL), "--kubeconfig", str(kubeconfig)]

    def __call__(self, *args: str) -> str:
        """What it prints; it must succeed."""
        done = subprocess.run(
            [*self._command, *args], capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        assert done.returncode == 0, f"kubectl {' '.join(args)}: {done.stderr}{done.stdout}"
        return done.stdout
