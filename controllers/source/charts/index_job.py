"""Rewrite a downloaded index in the form that is stored. Runs in a worker process: it takes seconds."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.charts.index import rewrite_index
from shared.charts.index_items import IndexInvalid
from shared.logic.digest import new_hasher

_CHUNK = 1024 * 1024


def rewrite(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: write the index file `source` to `out`, hashed by `algorithm`.

    -> `digest` (hex), `charts`, `versions`, `dropped`; or `problem` (a reason) and `message`.
    """
    out = Path(argument["out"])
    try:
        with Path(argument["source"]).open("rb") as source, out.open("wb") as sink:
            written = rewrite_index(source, sink)
        return {
            "digest": _digest(out, argument["algorithm"]),
            "charts": written.charts,
            "versions": written.versions,
            "dropped": written.dropped,
        }
    except IndexInvalid as error:
        return {"problem": "IndexationFailed", "message": f"failed to load Helm repository index: {error}"}
    except OSError as error:
        message = f"unable to save artifact to storage: {error.strerror or error}"
        return {"problem": "ArchiveOperationFailed", "message": message}


def _digest(file: Path, algorithm: str) -> str:
    hasher = new_hasher(algorithm)
    with file.open("rb") as source:
        while chunk := source.read(_CHUNK):
            hasher.update(chunk)
    return hasher.hexdigest()
