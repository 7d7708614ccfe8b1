"""What can go wrong between a chart and its manifests.

ChartError
├── InvalidChart             the archive cannot be read as a chart, or is larger than a chart may be
├── InvalidReleaseName       no release can have that name
├── InvalidValues            values that are no values, that the chart's schema refuses, or a schema
│                            that cannot be judged by
├── RenderFailed             a template, or what it wrote, is wrong: file:line:column and cause
│   └── RenderedTooBig       what the templates wrote is larger than a release may be
├── RenderStopped            the worker was ended; the chart, not this controller, is the likely cause
│   ├── RenderTimedOut
│   └── RenderOutOfMemory
└── EngineFailed             the worker cannot start, or has a bug; the chart is not to blame
"""

from __future__ import annotations


class ChartError(Exception):
    """Any of the failures of rendering a chart."""


class InvalidChart(ChartError):
    """The archive is no chart."""


class InvalidReleaseName(ChartError):
    """Helm accepts no such name: lower-case letters, digits, dots and dashes, 53 characters at most."""


class InvalidValues(ChartError):
    """The values cannot be used with this chart."""


class RenderFailed(ChartError):
    """The templates do not render to manifests."""


class RenderedTooBig(RenderFailed):
    """The templates render to more than is allowed."""


class RenderStopped(ChartError):
    """The worker was ended before it answered."""


class RenderTimedOut(RenderStopped):
    """Rendering took longer than allowed."""


class RenderOutOfMemory(RenderStopped):
    """Rendering needed more memory than allowed."""


class EngineFailed(ChartError):
    """The engine itself does not work."""


def error_named(name: str, message: str) -> ChartError:
    """The error of that class name: how one travels out of a worker."""
    return _BY_NAME.get(name, EngineFailed)(message)


_BY_NAME: dict[str, type[ChartError]] = {
    error.__name__: error
    for error in (
        InvalidChart,
        InvalidReleaseName,
        InvalidValues,
        RenderFailed,
        RenderedTooBig,
        RenderOutOfMemory,
    )
}
