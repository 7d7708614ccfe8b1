"""What a process gives to each of its controllers."""

from __future__ import annotations

from dataclasses import dataclass

from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.runtime.events import Recorder
from shared.runtime.flags import RuntimeSettings
from shared.runtime.metrics import Metrics


@dataclass(frozen=True, slots=True)
class Services:
    client: KubeClient
    discovery: Discovery
    recorder: Recorder
    metrics: Metrics
    settings: RuntimeSettings
