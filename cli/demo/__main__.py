"""The demo as a program: exit status 0 only if every step was seen to happen."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import io
import signal
import sys
import tempfile
import time
from pathlib import Path

from cli.demo.processes import ProcessDied
from cli.demo.repository import GitFailed
from cli.demo.story import Story
from cli.demo.summary import cost_of_nothing, how_to_go_on, summarise
from cli.demo.terminal import Terminal
from cli.demo.waiting import NotSeen
from cli.demo.world import World, running
from shared.kube.errors import KubeError
from shared.oci.errors import OciError

PROBLEMS = (NotSeen, ProcessDied, GitFailed, KubeError, OciError)
_FAILED, _INTERRUPTED = 1, 130
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_TAIL_LINES = 12


def main() -> int:
    options = _options().parse_args()
    if isinstance(sys.stdout, io.TextIOWrapper):
        # What a condition quotes may be more than the terminal can show.
        sys.stdout.reconfigure(errors="replace")
    terminal = Terminal(sys.stdout)
    try:
        return asyncio.run(_main(terminal, keep=options.keep, verbose=options.verbose))
    except asyncio.CancelledError:
        terminal.failed("Interrupted. Everything that the demo started has been stopped.")
        return _INTERRUPTED


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m cli.demo",
        description="Show the whole loop, from a commit to a cluster, on this machine and without a cluster.",
    )
    parser.add_argument("--keep", action="store_true", help="leave everything running until Ctrl-C")
    parser.add_argument("--verbose", action="store_true", help="show the controllers' logs at the end")
    return parser


async def _main(terminal: Terminal, *, keep: bool, verbose: bool) -> int:
    _cancel_on_signals()
    terminal.title("Headwater: from a commit to a cluster, on this machine and without a cluster")
    terminal.gap()
    with tempfile.TemporaryDirectory(prefix="headwater-demo-", ignore_cleanup_errors=True) as folder:
        begun = time.monotonic()
        try:
            async with running(Path(folder), terminal) as world:
                return await _tell(world, begun, keep=keep, verbose=verbose)
        except PROBLEMS as problem:
            return _explain(terminal, problem, Path(folder) / "logs")


async def _tell(world: World, begun: float, *, keep: bool, verbose: bool) -> int:
    story = Story(world)
    try:
        await world.processes.while_running(story.tell())
        cost = await world.processes.while_running(cost_of_nothing(world))
    except PROBLEMS as problem:
        # Here, before the processes are stopped, the ends of their logs are about the problem.
        return _explain(world.terminal, problem, world.processes.logs)
    if verbose:
        world.terminal.gap()
        _show_logs(world.terminal, world.processes.logs, sys.maxsize)
    summarise(world, story.timings, cost, time.monotonic() - begun)
    how_to_go_on(world, keep=keep)
    if keep:
        with contextlib.suppress(asyncio.CancelledError):
            await world.processes.while_running(asyncio.Event().wait())
    return 0


def _explain(terminal: Terminal, problem: Exception, logs: Path) -> int:
    terminal.failed(f"The demo failed. {problem}")
    _show_logs(terminal, logs, _TAIL_LINES)
    return _FAILED


def _show_logs(terminal: Terminal, logs: Path, lines: int) -> None:
    for path in sorted(logs.glob("*.log")):
        terminal.quote(f"{path.name}", path.read_text(errors="replace").splitlines()[-lines:])


def _cancel_on_signals() -> None:
    """The first signal cancels; later ones must not disturb the clean-up."""
    loop, main_task = asyncio.get_running_loop(), asyncio.current_task()
    assert main_task is not None

    def interrupt() -> None:
        for number in _SIGNALS:
            signal.signal(number, signal.SIG_IGN)
        main_task.cancel()

    for number in _SIGNALS:
        loop.add_signal_handler(number, interrupt)


if __name__ == "__main__":
    sys.exit(main())
