"""`python -m tests.conformance.helm_library CHART VALUES`: the manifest of a dry run of the Helm library itself."""

from __future__ import annotations

import json
import sys

from helm_python import Chart, Config


def main(chart: str, values: str) -> None:
    with Config(storage_driver="memory", namespace="shop") as config, Chart.load(chart) as loaded:
        release = config.install(loaded, "demo", json.loads(values), namespace="shop", dry_run="client")
    sys.stdout.write(release.get("manifest", ""))


if __name__ == "__main__":
    main(*sys.argv[1:])
