"""Import kubernetes-asyncio's configuration loader without its thousand generated models.

`import kubernetes_asyncio` runs 1,226 modules: 1.2 s of CPU and 61 MiB in every process, for typed
models that nothing here uses. Three empty package modules in front of the real folders let
`config` and `client.configuration` import alone. A test counts the modules, so that a new release
with another layout is noticed.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType
from typing import Any

_PACKAGE = "kubernetes_asyncio"


def config_module() -> Any:
    """`kubernetes_asyncio.config`, and whatever it needs of `client`, without the models."""
    if _PACKAGE not in sys.modules:
        _install_empty_packages()
    return importlib.import_module(f"{_PACKAGE}.config")


def configuration_class() -> Any:
    """`kubernetes_asyncio.client.Configuration`."""
    config_module()
    return sys.modules[f"{_PACKAGE}.client"].Configuration


def _install_empty_packages() -> None:
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise ImportError(f"{_PACKAGE} is not installed")
    root = spec.submodule_search_locations[0]
    for name, path in ((_PACKAGE, root), (f"{_PACKAGE}.client", f"{root}/client")):
        package = ModuleType(name)
        package.__path__ = [path]
        sys.modules[name] = package
    client = sys.modules[f"{_PACKAGE}.client"]
    exceptions = importlib.import_module(f"{_PACKAGE}.client.exceptions")
    configuration = importlib.import_module(f"{_PACKAGE}.client.configuration")
    client.__dict__.update(
        exceptions=exceptions,
        configuration=configuration,
        ApiException=exceptions.ApiException,
        Configuration=configuration.Configuration,
        # The loader names ApiClient in signatures only; building one needs the models.
        ApiClient=type("ApiClient", (), {}),
    )
