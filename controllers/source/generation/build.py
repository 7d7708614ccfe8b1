"""Make one artifact of an ArtifactGenerator. Runs in a worker process: hostile content may keep it busy."""

import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controllers.source.generation.copying import apply_copies
from controllers.source.generation.paths import CopyRefused
from shared.artifacts.pack import Entry, entries_below, pack
from shared.logic.ignore import compose
from shared.model.generator import Copy


def build_artifact(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: copy into the empty directory `staging`, then write the artifact file `out`.

    `copies` as in the spec, `sources`: directories by alias, `name` of the artifact, `algorithm` of its
    digest. -> `digest` and `filename`, or `problem`.
    """
    staging = Path(argument["staging"])
    sources = {alias: Path(folder) for alias, folder in argument["sources"].items()}
    try:
        apply_copies([Copy.parse(raw) for raw in argument["copies"]], sources, staging)
        entries = sorted(entries_below(staging), key=lambda entry: entry.path)
        filename = f"{content_hash(argument['name'], entries)}.tar.gz"
    except CopyRefused as error:
        return {"problem": str(error)}
    except OSError as error:
        return {"problem": f"failed to copy: {error.strerror or error}"}
    rules = compose((), None)
    kept = (entry for entry in entries if not rules.ignores(entry.path, is_dir=entry.is_dir))
    try:
        with Path(argument["out"]).open("wb") as out:
            packed = pack(kept, out, algorithm=argument["algorithm"])
    except OSError as error:
        return {"problem": f"failed to create artifact: {error.strerror or error}"}
    return {"digest": str(packed.digest), "filename": filename}


def content_hash(name: str, entries: list[Entry]) -> int:
    """What names the artifact's file: Adler-32 over the sorted names and Adler-32 sums of all files.

    Raises CopyRefused for names with a line break, which would make it ambiguous.
    """
    lines: list[tuple[str, Entry]] = [
        ("/".join((name, *entry.path)), entry) for entry in entries if not entry.is_dir
    ]
    total = 1
    for path, entry in sorted(lines, key=lambda line: line[0].encode(errors="surrogateescape")):
        if "\n" in path:
            raise CopyRefused(f"file names with line breaks are not supported: {path!r}")
        checksum = 1
        for chunk in entry.open().chunks:
            checksum = zlib.adler32(chunk, checksum)
        total = zlib.adler32(f"{checksum:x}  {path}\n".encode(errors="surrogateescape"), total)
    return total
