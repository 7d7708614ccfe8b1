"""Keys of files, where the controller reads them from the Secret that `spec.decryption` names."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from cli.problems import CliError
from shared.kube.client import KubeClient
from shared.model.kinds import Resource
from shared.model.meta import Object

_MOST_BYTES = 2**20


class KeyFiles(KubeClient):
    """Whatever Secret is asked for, its data are these files; there is no connection for anything else."""

    def __init__(self, data: Mapping[str, str]) -> None:
        self._data = data

    @classmethod
    def read(cls, files: Sequence[Path]) -> Self | None:
        """None without files. Raises CliError."""
        data: dict[str, str] = {}
        for number, file in enumerate(files):
            ending = "asc" if file.suffix == ".asc" else "agekey"
            try:
                if file.stat().st_size > _MOST_BYTES:
                    raise CliError(f"{file} is no key: it is larger than 1 MiB")
                data[f"{number}.{ending}"] = base64.b64encode(file.read_bytes()).decode()
            except OSError as error:
                raise CliError(f"{file} cannot be read: {error.strerror}") from error
        return cls(data) if data else None

    async def get(
        self,
        resource: Resource,
        namespace: str,
        name: str,
        *,
        metadata_only: bool = False,  # noqa: ARG002 - the client's signature
    ) -> Object:
        metadata = {"namespace": namespace, "name": name}
        return {"apiVersion": "v1", "kind": resource.kind, "metadata": metadata, "data": dict(self._data)}
