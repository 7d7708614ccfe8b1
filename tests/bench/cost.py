"""What a process costs: processor time and memory, its own or with all that it started."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Cost:
    """CPU in seconds, memory in MiB; the peak is since the start of the process."""

    cpu: float
    rss: float
    peak: float

    @classmethod
    def of(cls, pid: int) -> Cost:
        return cls._read(pid, children=False)

    @classmethod
    def of_tree(cls, pid: int) -> Cost:
        """With its children: time also of those that ended; memory that they share counts for each."""
        own = cls._read(pid, children=True)
        for child in below(pid):
            try:
                other = cls._read(child, children=True)
            except (OSError, KeyError):
                continue
            own = cls(own.cpu + other.cpu, own.rss + other.rss, own.peak + other.peak)
        return own

    @classmethod
    def _read(cls, pid: int, *, children: bool) -> Cost:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        memory = {
            key: float(value.split()[0]) / 1024
            for key, _, value in (
                line.partition(":") for line in Path(f"/proc/{pid}/status").read_text().splitlines()
            )
            if key in {"VmRSS", "VmHWM"}
        }
        ticks = sum(int(field) for field in fields[11 : 15 if children else 13])
        return cls(ticks / _TICKS, memory["VmRSS"], memory["VmHWM"])


def below(pid: int) -> Iterator[int]:
    """Processes that this one started, and theirs."""
    for folder in Path("/proc").iterdir():
        if not folder.name.isdecimal():
            continue
        try:
            parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):
            continue
        if parent == pid:
            yield int(folder.name)
            yield from below(int(folder.name))
