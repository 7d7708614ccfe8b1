"""Run the jobs of the chart kinds in worker processes, and let what they refuse be a Failure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from controllers.source.charts.conditions import ChartReason
from controllers.source.charts.failures import build_failure
from controllers.source.charts.limits import Bounds
from controllers.source.conditions import Reason
from shared.git.client import Git
from shared.git.errors import GitError
from shared.runtime.failure import Failure

_JOBS = "controllers.source.charts."
_WITHIN = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Workshop:
    """`algorithm` is what artifacts are hashed by; `git` lends its worker processes."""

    git: Git
    bounds: Bounds
    algorithm: str

    async def run(
        self, job: str, argument: Mapping[str, Any], *, otherwise: ChartReason = ChartReason.PACKAGE_ERROR
    ) -> dict[str, Any]:
        """Raises the Failure that the job's problem means; `otherwise` is for a worker that died."""
        limits = {"max_chart": self.bounds.chart, "max_file": self.bounds.file}
        try:
            found = await self.git.run(f"{_JOBS}{job}", {**argument, **limits}, within=_WITHIN)
        except GitError as error:
            raise build_failure(otherwise, str(error)) from error
        if "problem" not in found:
            return found
        if found["problem"] in set(ChartReason):
            raise build_failure(ChartReason(found["problem"]), found["message"])
        raise Failure(found["message"], reason=Reason(found["problem"]))
