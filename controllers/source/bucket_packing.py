"""Make the tarball of a downloaded bucket. Runs in a worker process, which many files may keep busy.

Nothing is left out any more: what is ignored was not downloaded (spec source 12.2, step 5).
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.artifacts.pack import entries_below, pack


def pack_folder(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: write the artifact file `out`, hashed by `algorithm`, from all files below `folder`.

    -> `digest`, or `problem` (a reason) and `message`.
    """
    try:
        with Path(argument["out"]).open("wb") as out:
            packed = pack(entries_below(Path(argument["folder"])), out, algorithm=argument["algorithm"])
    except OSError as error:
        message = f"unable to archive artifact to storage: {error.strerror or error}"
        return {"problem": "ArchiveOperationFailed", "message": message}
    return {"digest": str(packed.digest)}
