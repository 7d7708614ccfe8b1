"""A repository's index in the form that this project stores, and how one chart is found in it.

It is JSON with one version per line, each chart's versions from the highest down, so that whoever wants
one chart reads its lines and nothing else; to everybody else it is an ordinary index (spec source 10.2).
"""

import mmap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson

from shared.charts.index_items import IndexInvalid

BEGIN = b'{"entries":{\n'


def heading(chart: str) -> bytes:
    """What a chart's lines begin after."""
    return orjson.dumps(chart) + b":["


def is_stored_form(path: Path) -> bool:
    """Whether a file was written by `rewrite_index`; one of another controller need not be."""
    try:
        with path.open("rb") as file:
            return file.read(len(BEGIN)) == BEGIN
    except OSError:
        return False


def versions_of(path: Path, chart: str) -> Iterator[dict[str, Any]]:
    """The versions of a chart in a stored index, highest first; none where there is no such chart.

    Raises IndexInvalid for a file that `rewrite_index` did not write, OSError.
    """
    if not is_stored_form(path):
        raise IndexInvalid("the index was stored in another form")
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as text:
        line_of_chart = b"\n" + heading(chart)
        start = text.find(line_of_chart, len(BEGIN) - 1)
        if start < 0:
            return
        text.seek(start + len(line_of_chart) + 1)
        while (line := text.readline()) and not line.startswith(b"]"):
            yield orjson.loads(line.rstrip(b",\n"))
