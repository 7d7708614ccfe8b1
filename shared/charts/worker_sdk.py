"""The few calls of the Helm library that rendering needs; only a worker imports this module.

What the library keeps of a chart is changed by rendering (dependencies 6), which is put to use here: read
after a render, it is the chart as Helm records it.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
from collections.abc import Iterator
from typing import Any

import orjson
from helm_python import (
    HelmChartInvalidError,
    HelmChartLoadError,
    HelmError,
    HelmPanicError,
    HelmRenderError,
    HelmValuesError,
    _native,
)

from shared.charts.errors import (
    ChartError,
    EngineFailed,
    InvalidChart,
    InvalidReleaseName,
    InvalidValues,
    RenderFailed,
)
from shared.charts.values_schema import readable
from shared.logic.go_yaml import YamlError

_BIG = 2**20


class SdkChart:
    """A loaded chart, good for one render."""

    def __init__(self, handle: int) -> None:
        self._handle = _native.HANDLE(handle)

    def render(self, values: bytes, options: dict[str, Any], server: str | None) -> dict[str, str]:
        """Template path -> text, NOTES.txt included; `server` is where `lookup` asks.

        Raises InvalidValues or RenderFailed.
        """
        arguments = (self._handle, values.decode(), orjson.dumps(options).decode())
        with _as_chart_errors():
            if server is None:
                raw = _native.call_string("helm_render", *arguments)
            else:
                with _config(server, options["namespace"]) as config:
                    raw = _native.call_string("helm_render_with_config", config, *arguments)
        rendered: dict[str, str] = _loads(raw)
        return rendered

    def read(self, part: str) -> Any:
        """`metadata`, `values`, `templates`, `files` or `crds`, as JSON."""
        with _as_chart_errors():
            return _loads(_native.call_string(f"helm_chart_{part}", self._handle))

    def save(self, folder: str) -> str:
        """Write the chart as an archive into the folder; returns its path."""
        with _as_chart_errors():
            path: str = _native.call_string("helm_chart_save", self._handle, folder)
        return path

    def free(self) -> None:
        """Give the chart's memory back; the chart cannot be used afterwards."""
        _native.call_status("helm_chart_free", self._handle)


@contextlib.contextmanager
def loaded_archive(archive: bytes) -> Iterator[SdkChart]:
    """The chart of a .tgz in memory. Raises InvalidChart."""
    buffer = (ctypes.c_uint8 * len(archive)).from_buffer_copy(archive)
    with _as_chart_errors():
        handle = _native.call_handle("helm_chart_load_archive", buffer, ctypes.c_uint64(len(archive)))
    with _freed(SdkChart(handle)) as chart:
        yield chart


@contextlib.contextmanager
def loaded_directory(path: str) -> Iterator[SdkChart]:
    """The chart of a directory, without what its .helmignore names. Raises InvalidChart."""
    with _as_chart_errors():
        handle = _native.call_handle("helm_chart_load", path)
    with _freed(SdkChart(handle)) as chart:
        yield chart


def require_release_name(name: str) -> None:
    """Raises InvalidReleaseName."""
    try:
        _native.call_status("helm_release_name_validate", name)
    except HelmError as error:
        raise InvalidReleaseName(f'release name "{name}": {error}') from error


def read_yaml(text: str) -> Any:
    """One YAML document as JSON, by the parser that Helm has. Raises YamlError."""
    try:
        return _loads(_native.call_string("helm_values_from_yaml", text))
    except HelmValuesError as error:
        raise YamlError(str(error)) from error


def _loads(text: str) -> Any:
    # For big texts orjson asks for more memory, twelve times their size, than the worker may have.
    return orjson.loads(text) if len(text) < _BIG else json.loads(text)


@contextlib.contextmanager
def _freed(chart: SdkChart) -> Iterator[SdkChart]:
    try:
        yield chart
    finally:
        chart.free()


@contextlib.contextmanager
def _config(server: str, namespace: str) -> Iterator[Any]:
    options = {
        "kube_apiserver": server,
        "namespace": namespace,
        "storage_driver": "memory",
        "qps": 1000,
        "burst_limit": 1000,
    }
    config = _native.HANDLE(_native.call_handle("helm_config_new", orjson.dumps(options).decode()))
    try:
        yield config
    finally:
        _native.call_status("helm_config_free", config)


@contextlib.contextmanager
def _as_chart_errors() -> Iterator[None]:
    try:
        yield
    except HelmError as error:
        raise _chart_error(error) from error


def _chart_error(error: HelmError) -> ChartError:
    message = str(error)
    if isinstance(error, HelmValuesError):
        return InvalidValues(readable(message) if "specifications of the schema" in message else message)
    if isinstance(error, HelmRenderError | HelmPanicError):
        return RenderFailed(_in_one_line(message))
    if isinstance(error, HelmChartLoadError | HelmChartInvalidError):
        return InvalidChart(message)
    return EngineFailed(message)


def _in_one_line(message: str) -> str:
    """The engine spreads where, what and why over lines."""
    lines = [line.strip().removesuffix(":") for line in message.splitlines()]
    return ": ".join(line for line in lines if line)
