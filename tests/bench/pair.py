"""Our source and kustomize controllers as one command: an example of what --controllers takes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from tests.e2e.conftest import Cluster, start_controllers


def main() -> None:
    """Until SIGTERM. KUBECONFIG, BENCH_SELECTOR and BENCH_FOLDER say where and for what."""
    stopping = {signal.SIGTERM, signal.SIGINT}
    run_id = os.environ["BENCH_SELECTOR"].partition("=")[2]
    cluster = Cluster(Path(os.environ["KUBECONFIG"]), genuine=True)
    programs = start_controllers(cluster, run_id, Path(os.environ["BENCH_FOLDER"]), "--log-level=info")
    # Only now, as a blocked signal stays so in the processes that one starts.
    signal.pthread_sigmask(signal.SIG_BLOCK, stopping)
    signal.sigwait(stopping)
    programs.kustomize.stop()
    programs.source.stop()


if __name__ == "__main__":
    main()
