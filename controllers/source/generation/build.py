"""Make the artifacts of an ArtifactGenerator. Runs in a worker process: hostile content may keep it busy."""

import shutil
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controllers.source.generation.copying import apply_copies
from controllers.source.generation.paths import CopyRefused
from shared.artifacts.pack import Entry, entries_below, pack
from shared.logic.ignore import compose
from shared.model.generator import Copy


def build_artifacts(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: make artifacts one after the other, up to the first that cannot be made.

    `sources`: directories by alias; `staging`: a directory of our own; `algorithm` of the digests;
    `artifacts`: `name`, `copies` as in the spec, and the file to write as `out`.
    -> `built`: `digest` and `filename` of each, or `problem`.
    """
    sources = {alias: Path(folder) for alias, folder in argument["sources"].items()}
    built: list[dict[str, Any]] = []
    for number, wanted in enumerate(argument["artifacts"]):
        staging = Path(argument["staging"], str(number))
        try:
            staging.mkdir(parents=True)
            built.append(_build(wanted, sources, staging, argument["algorithm"]))
        except CopyRefused as error:
            built.append({"problem": str(error)})
        except OSError as error:
            built.append({"problem": f"failed to write: {error.strerror or error}"})
        finally:
            shutil.rmtree(staging, ignore_errors=True)
        if "problem" in built[-1]:
            break
    return {"built": built}


def _build(
    wanted: Mapping[str, Any], sources: Mapping[str, Path], staging: Path, algorithm: str
) -> dict[str, Any]:
    """Copy into the empty staging directory, then pack that. Raises CopyRefused, OSError."""
    apply_copies([Copy.parse(raw) for raw in wanted["copies"]], sources, staging)
    entries = sorted(entries_below(staging), key=lambda entry: entry.path)
    filename = f"{content_hash(wanted['name'], entries)}.tar.gz"
    rules = compose((), None)
    kept = (entry for entry in entries if not rules.ignores(entry.path, is_dir=entry.is_dir))
    with Path(wanted["out"]).open("wb") as out:
        packed = pack(kept, out, algorithm=algorithm)
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
