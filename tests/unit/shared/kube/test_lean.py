"""Guards of what the client costs a process that does nothing."""

import json
import subprocess
import sys

import pytest

CODE = """
import json, sys
import shared.kube.client, shared.kube.access, shared.kube.cache
from shared.kube.lean import config_module, configuration_class
config_module(); configuration_class()()
status = open("/proc/self/status").read()
rss = int(status.split("VmRSS:")[1].split()[0]) / 1024
models = [name for name in sys.modules if name.startswith("kubernetes_asyncio.client.models")]
ours = [name for name in sys.modules if name.startswith("kubernetes_asyncio")]
print(json.dumps({"rss": rss, "models": len(models), "modules": len(ours)}))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_client_brings_no_generated_models() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], check=True, capture_output=True, text=True)
    cost = json.loads(done.stdout)
    assert cost["models"] == 0
    assert cost["modules"] < 40
    assert cost["rss"] < 60
