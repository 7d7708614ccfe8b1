"""Small charts for the tests, and a server that hands them out as source-controller would."""

from __future__ import annotations

import hashlib
import io
import tarfile
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Self

import yaml

CONFIG_MAP = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-config
data:
  text: {{ .Values.text | quote }}
  revision: {{ .Release.Revision | quote }}
"""
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas }}
  selector: {matchLabels: {app: {{ .Release.Name }}}}
  template:
    metadata: {labels: {app: {{ .Release.Name }}}}
    spec:
      containers: [{name: app, image: {{ .Values.image | quote }}}]
"""
TEST = """
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-test
  annotations: {helm.sh/hook: test}
"""
REFUSED = """
{{- if .Values.broken }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ .Release.Name }}-broken
spec:
  ports: [{port: 99999999}]
{{- end }}
"""
VALUES = {"text": "hello", "replicas": 1, "image": "registry.example.com/app:1", "broken": False}


@dataclass(frozen=True)
class Chart:
    """`files` are templates by name, `others` whatever else is in it; `packed` is the .tgz."""

    name: str = "podinfo"
    version: str = "1.0.0"
    values: Mapping[str, Any] = field(default_factory=lambda: VALUES)
    files: Mapping[str, str] = field(
        default_factory=lambda: {"config.yaml": CONFIG_MAP, "broken.yaml": REFUSED}
    )
    others: Mapping[str, str] = field(default_factory=dict)

    def packed(self) -> bytes:
        metadata = {"apiVersion": "v2", "name": self.name, "version": self.version, "appVersion": "9"}
        content = {
            "Chart.yaml": yaml.safe_dump(metadata),
            "values.yaml": yaml.safe_dump(dict(self.values)),
            **{f"templates/{name}": text for name, text in self.files.items()},
            **self.others,
        }
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
            for name, text in content.items():
                member = tarfile.TarInfo(f"{self.name}/{name}")
                member.size = len(text.encode())
                tar.addfile(member, io.BytesIO(text.encode()))
        return buffer.getvalue()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as the base class names it
        """The tests' output is for the tests."""


@dataclass
class ChartServer:
    """Serves `folder`, and counts nothing."""

    folder: Path
    _server: ThreadingHTTPServer
    _thread: threading.Thread

    @classmethod
    def start(cls, folder: Path) -> Self:
        server = ThreadingHTTPServer(("127.0.0.1", 0), partial(_Quiet, directory=str(folder)))
        thread = threading.Thread(target=server.serve_forever, name="charts")
        thread.start()
        return cls(folder, server, thread)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def artifact(self, chart: Chart, moment: str = "2026-01-01T00:00:00Z") -> dict[str, Any]:
        """What the status of a source says once it has the chart."""
        packed = chart.packed()
        digest = hashlib.sha256(packed).hexdigest()
        name = f"{digest}.tgz"
        (self.folder / name).write_bytes(packed)
        host, port = self._server.server_address[:2]
        return {
            "url": f"http://{host!s}:{port}/{name}",
            "path": name,
            "revision": f"{chart.version}@sha256:{digest}",
            "digest": f"sha256:{digest}",
            "lastUpdateTime": moment,
            "size": len(packed),
        }
