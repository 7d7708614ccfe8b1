"""What a controller imports before it has anything to do: that is what it costs while idle."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

CODE = """
import json, sys
import controllers.{name}.__main__
print(json.dumps(sorted(sys.modules)))
"""
# Needed only by objects that use them, and each some MiB: imported where they are used.
LAZY = {
    "asyncssh",
    "cel_expr_python",
    "cryptography",
    "dulwich",
    "gotpl",
    "kubernetes_asyncio",
    "openpgp",
    "pyrage",
    "pysequoia",
    "re2",
}
# structlog imports these where a development tool has brought them along.
TOOLS = {"rich", "pygments", "markdown_it", "mdurl"}
MAX_MODULES = 600


@pytest.mark.parametrize("name", ["source", "kustomize", "helm", "image_automation"])
def test_a_controller_starts_lean(name: str) -> None:
    code = CODE.format(name=name)
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    modules = [module for module in json.loads(done.stdout) if module.partition(".")[0] not in TOOLS]
    assert LAZY & {module.partition(".")[0] for module in modules} == set()
    assert len(modules) < MAX_MODULES
