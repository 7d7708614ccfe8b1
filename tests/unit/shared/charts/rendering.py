"""What the tests of the engine share: one cluster's capabilities, requests in a line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from shared.charts.capabilities import Capabilities
from shared.charts.engine import Engine, RenderRequest
from tests.charts import FILES, about, written

CLUSTER = Capabilities("v1.34.2-gke.7", frozenset({"v1", "apps/v1", "apps/v1/Deployment"}))
TEMPLATE = "templates/a.yaml"


def request(folder: Path, files: FILES, **more: Any) -> RenderRequest:
    chart = written(folder, {"Chart.yaml": about(), **files})
    return RenderRequest(chart, "demo", "shop", more.pop("capabilities", CLUSTER), **more)


async def text(engine: Engine, folder: Path, template: str, **more: Any) -> str:
    """What one template renders to, as the value of `a`."""
    rendered = await engine.render(request(folder, {TEMPLATE: f"a: {{{{ {template} }}}}"}, **more))
    return rendered.manifest.partition("\na: ")[2].rstrip()
