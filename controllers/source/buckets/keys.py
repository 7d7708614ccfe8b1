"""From the keys of a bucket to the files of an artifact, and to its revision (spec source 12.2): pure.

A key may be any text; a file's path may not. Keys become paths that cannot leave their root, and two keys
that would be one file, or a file and a directory at once, are an error instead of a matter of luck.
"""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controllers.source.buckets.errors import BucketError, TooMuch
from controllers.source.buckets.store import Limits, Listed
from shared.logic.digest import Digest, new_hasher
from shared.logic.ignore import Rules, parse_patterns

IGNORE_FILE = ".sourceignore"
_MAX_PART_BYTES = 255
_MAX_PATH_BYTES = 4_000
_MAX_DEPTH = 100

FilePath = tuple[str, ...]


class UnusableKey(BucketError):
    """A key that cannot be a file, alone or beside another one."""


@dataclass(frozen=True, slots=True)
class Chosen:
    """The objects that go into the artifact, by key; `size` is their bytes together."""

    objects: Mapping[str, Listed]
    size: int


def rules_of(ignore_file: str, spec_ignore: str | None) -> Rules:
    """A bucket has no default exclusions (spec source 6.3). Raises InvalidIgnoreRules."""
    return Rules([*parse_patterns(ignore_file), *parse_patterns(spec_ignore or "")])


def choose(objects: Iterable[Listed], rules: Rules, limits: Limits) -> Chosen:
    """Leave out what is ignored, and what is no file. Raises UnusableKey, TooMuch."""
    chosen: dict[str, Listed] = {}
    size = 0
    for each in objects:
        if each.key.endswith("/") or each.key in ("", IGNORE_FILE):
            continue
        if rules.ignores(path_of(each.key), is_dir=False):
            continue
        chosen[each.key] = each
        size += each.size
        if size > limits.content:
            raise TooMuch(f"the objects of the bucket are larger than {limits.content} bytes together")
    _require_distinct(chosen)
    return Chosen(chosen, size)


def path_of(key: str) -> FilePath:
    """The key's components, kept below the root: `..` at the root leads nowhere. Raises UnusableKey."""
    parts: list[str] = []
    for part in key.split("/"):
        if part == "..":
            del parts[-1:]
        elif part not in ("", "."):
            parts.append(part)
    sizes = [len(os.fsencode(part)) if _encodes(part) else _MAX_PATH_BYTES for part in parts]
    if not parts or "\0" in key or max(sizes) > _MAX_PART_BYTES or sum(sizes) > _MAX_PATH_BYTES:
        raise UnusableKey(f"key {shown(key)} cannot be the name of a file")
    if len(parts) > _MAX_DEPTH:
        raise UnusableKey(f"key {shown(key)} lies more than {_MAX_DEPTH} directories deep")
    return tuple(parts)


def _encodes(part: str) -> bool:
    try:
        os.fsencode(part)
    except UnicodeEncodeError:
        return False
    return True


def _require_distinct(keys: Iterable[str]) -> None:
    # The ignore file of the root goes into every artifact beside the objects.
    files: dict[FilePath, str] = {}
    for key in keys:
        path = path_of(key)
        other = files.setdefault(path, key)
        if other != key or path == (IGNORE_FILE,):
            raise UnusableKey(f"keys {shown(other)} and {shown(key)} would be one file")
    for path, key in files.items():
        for depth in range(1, len(path)):
            if (parent := files.get(path[:depth])) is not None:
                raise UnusableKey(f"key {shown(parent)} would be a file and, for {shown(key)}, a directory")


def shown(key: str) -> str:
    """For messages: cut, and with everything unprintable escaped."""
    return repr(key if len(key) <= 200 else f"{key[:200]}...")


def revision_of(etags: Mapping[str, str], algorithm: str) -> str:
    """The digest of all keys and etags; the same for the same content, whatever the order of a listing."""
    hasher = new_hasher(algorithm)
    for key in sorted(etags, key=lambda key: key.encode(errors="surrogatepass")):
        hasher.update(f"{key} {etags[key]}\n".encode(errors="surrogatepass"))
    return str(Digest(algorithm, hasher.hexdigest()))
