"""Name and version of a packed chart, found by reading no more of it than needed."""

from __future__ import annotations

import gzip
import io
import tarfile
import zlib
from dataclasses import dataclass
from pathlib import Path

from shared.charts.errors import InvalidChart
from shared.charts.metadata import InvalidMetadata, Metadata, text_of
from shared.logic.go_yaml import Limits, YamlError, read_document

_MAX_CHART_YAML = 2**20
_MAX_UNPACKED = 100 * 2**20
_MAX_FILES = 10_000
_LIMITS = Limits(size_bytes=_MAX_CHART_YAML, depth=50, alias_nodes=10_000, documents=1)


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """What a release is compared by; `app_version` may be empty."""

    name: str
    version: str
    app_version: str


def describe(path: Path) -> ChartFacts:
    """Read Chart.yaml of a .tgz; blocking. Raises InvalidChart."""
    try:
        content = _chart_yaml(path)
        raw = read_document(content, limits=_LIMITS)
        if not isinstance(raw, dict):
            raise InvalidChart("Chart.yaml is not a mapping")
        metadata = Metadata.parse(raw)
        if metadata.api_version != "v2":
            raise InvalidChart("only the Chart API v2 is supported")
        return ChartFacts(metadata.name, metadata.version, text_of(raw, "appVersion"))
    except (YamlError, InvalidMetadata) as error:
        raise InvalidChart(f"invalid Chart.yaml: {error}") from error
    except (tarfile.TarError, OSError, EOFError, zlib.error) as error:
        raise InvalidChart(f"the chart is not a .tgz archive: {error}") from error


def _chart_yaml(path: Path) -> bytes:
    with (
        gzip.open(path) as packed,
        tarfile.open(fileobj=_Bounded(packed), mode="r|") as tar,
    ):
        for number, member in enumerate(tar):
            if number >= _MAX_FILES:
                raise InvalidChart(f"the chart has more than {_MAX_FILES} files")
            parts = member.name.removeprefix("./").split("/")
            if len(parts) != 2 or parts[1] != "Chart.yaml":
                continue
            if not member.isreg() or member.size > _MAX_CHART_YAML:
                raise InvalidChart("Chart.yaml is no file of a sensible size")
            source = tar.extractfile(member)
            assert source is not None
            return source.read()
    raise InvalidChart("Chart.yaml file is missing")


class _Bounded(io.RawIOBase):
    """A stream that ends in an error before a bomb has unfolded."""

    def __init__(self, source: gzip.GzipFile) -> None:
        self._source = source
        self._left = _MAX_UNPACKED

    def read(self, size: int = -1) -> bytes:
        data = self._source.read(size if size >= 0 else _MAX_UNPACKED)
        self._left -= len(data)
        if self._left < 0:
            raise InvalidChart(f"the chart unpacks to more than {_MAX_UNPACKED >> 20} MiB")
        return data
