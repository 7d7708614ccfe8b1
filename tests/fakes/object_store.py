"""A real S3-compatible server: moto, as a process of its own, filled by Amazon's own SDK (boto3)."""

from __future__ import annotations

import contextlib
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3

from tests.e2e.processes import free_port

ACCESS, SECRET = "an-access-key", "a-secret-key-canary"
_START_SECONDS = 30.0


@dataclass(frozen=True)
class MotoServer:
    """`url` begins with http or https; boto3 trusts the authority in `ca` where there is one."""

    url: str
    log: Path
    ca: Path | None = None

    def asked(self, bucket: str) -> list[str]:
        """Method and target of every request for that bucket so far, the SDK's among them."""
        return re.findall(rf'"([A-Z]+ /{bucket}[^ "]*)', self.log.read_text(errors="replace"))

    @property
    def endpoint(self) -> str:
        return self.url.partition("://")[2]

    @property
    def sdk(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            aws_access_key_id=ACCESS,
            aws_secret_access_key=SECRET,
            region_name="us-east-1",
            verify=str(self.ca) if self.ca else None,
        )

    def bucket(self, objects: Mapping[str, str | bytes]) -> str:
        """A new bucket with these objects; returns its name."""
        name = f"bucket-{secrets.token_hex(4)}"
        self.sdk.create_bucket(Bucket=name)
        self.put(name, objects)
        return name

    def put(self, bucket: str, objects: Mapping[str, str | bytes]) -> None:
        sdk = self.sdk
        for key, content in objects.items():
            sdk.put_object(Bucket=bucket, Key=key, Body=content)

    def delete(self, bucket: str, key: str) -> None:
        self.sdk.delete_object(Bucket=bucket, Key=key)


@contextlib.contextmanager
def moto_server(folder: Path, *tls: str, ca: Path | None = None) -> Iterator[MotoServer]:
    """`tls`: certificate and key files, for https."""
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    if tls:
        command += ["-c", tls[0], "-k", tls[1]]
    log = folder / "moto.log"
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        _wait(port, process)
        yield MotoServer(f"{'https' if tls else 'http'}://127.0.0.1:{port}", log, ca)
    finally:
        process.terminate()
        process.wait(10)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.05)
    raise AssertionError("moto did not start")
