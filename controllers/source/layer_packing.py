"""Make the tarball of an OCI layer. Runs in a worker process, which a hostile archive may keep busy.

The layer is unpacked by the rules for archives of strangers (shared.artifacts.unpack), then packed anew,
less what the ignore rules keep out.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from shared.artifacts.errors import ArtifactError
from shared.artifacts.pack import Entry, entries_below, pack
from shared.artifacts.unpack import Links, unpack_now
from shared.logic.ignore import InvalidIgnoreRules, Rules, compose

_IGNORE_FILE = ".sourceignore"
_MAX_IGNORE_BYTES = 1024 * 1024


def pack_layer(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: write the artifact file `out`, hashed by `algorithm`, from the tar.gz `blob`.

    `folder` is an empty directory to unpack into; `ignore` is spec.ignore or null.
    -> `digest`, or `problem` (a reason) and `message`.
    """
    folder = Path(argument["folder"])
    try:
        unpack_now(Path(argument["blob"]), folder, links=Links.SKIP)
        entries = list(entries_below(folder))
        rules = _rules(entries, argument["ignore"])
        kept = (entry for entry in entries if not rules.ignores(entry.path, is_dir=entry.is_dir))
        with Path(argument["out"]).open("wb") as out:
            packed = pack(kept, out, algorithm=argument["algorithm"])
    except ArtifactError as error:
        message = f"failed to extract layer contents from artifact: {error}"
        return {"problem": "OCIArtifactLayerOperationFailed", "message": message}
    except InvalidIgnoreRules as error:
        return {"problem": "SourceIgnoreError", "message": f"failed to load ignore patterns: {error}"}
    except OSError as error:
        message = f"unable to archive artifact to storage: {error.strerror or error}"
        return {"problem": "ArchiveOperationFailed", "message": message}
    return {"digest": str(packed.digest)}


def _rules(entries: list[Entry], spec_ignore: str | None) -> Rules:
    files = sorted(
        (entry for entry in entries if entry.path[-1] == _IGNORE_FILE and not entry.is_dir),
        key=lambda entry: entry.path,
    )
    texts = [(entry.path[:-1], _text(entry)) for entry in files if ".git" not in entry.path]
    return compose(texts, spec_ignore)


def _text(entry: Entry) -> str:
    content = entry.open()
    if content.size > _MAX_IGNORE_BYTES:
        raise InvalidIgnoreRules(f"'{'/'.join(entry.path)}' is larger than {_MAX_IGNORE_BYTES} bytes")
    return b"".join(content.chunks).decode("utf-8", "surrogateescape")
