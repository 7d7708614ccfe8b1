"""Find a version of a chart in a stored index. Runs in a worker process: a chart may have many versions."""

from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from shared.charts.index_items import IndexInvalid
from shared.charts.index_store import versions_of
from shared.charts.version_choice import choose
from shared.logic.semver import InvalidRange


def find_version(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: the version of `chart` that `version` means, in the stored index `index`.

    -> `found`, a ChartVersion's fields, or null; and whether the chart itself is `known`. Or `problem` and
    `message`.
    """
    chart, wanted = argument["chart"], argument["version"]
    versions = versions_of(Path(argument["index"]), chart)
    known = False

    def noticed() -> Any:
        nonlocal known
        for version in versions:
            known = True
            yield version

    try:
        found = choose(noticed(), wanted)
    except InvalidRange as error:
        return {"problem": "InvalidChartReference", "message": str(error)}
    except IndexInvalid as error:
        return {"problem": "ChartPullError", "message": f"failed to load Helm repository index: {error}"}
    except OSError as error:
        return {"problem": "ChartPullError", "message": f"failed to load index: {error.strerror or error}"}
    return {"found": asdict(found) if found else None, "known": known}
