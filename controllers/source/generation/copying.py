"""Copy parts of unpacked sources into a staging directory, as `cp` would (spec source 13.4).

Sources come from `shared.artifacts.unpack`, which makes nothing but files and directories, and staging is
ours: no path can go through a link. Everything here blocks on the disk: it runs in a worker process.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from controllers.source.generation.doublestar import PathGlob
from controllers.source.generation.merging import merged_yaml
from controllers.source.generation.paths import ARTIFACT, CopyRefused, TreePath, cleaned, joined, parse_place
from shared.artifacts.errors import ArtifactError
from shared.artifacts.tar_stream import Limits
from shared.artifacts.unpack import Links, unpack_now
from shared.logic.glob import Glob, compile_glob
from shared.model.generator import Copy, Strategy

_GLOB_CHARACTERS = frozenset("*?[]")
_ARCHIVES = (".tar.gz", ".tgz")
_ARCHIVE_LIMITS = Limits(max_bytes=100 * 1024**2)
_MAX_MERGED_BYTES = 16 * 1024**2


@dataclass(frozen=True, slots=True)
class _Excludes:
    """Patterns, matched against the path from the source's root and from `base`."""

    globs: Sequence[PathGlob]
    base: TreePath = ()

    def covers(self, path: TreePath) -> bool:
        below = path[len(self.base) :] if path[: len(self.base)] == self.base else ()
        return any(glob.excludes(path) or (below and glob.excludes(below)) for glob in self.globs)


def apply_copies(copies: Sequence[Copy], sources: Mapping[str, Path], staging: Path) -> None:
    """All of them, in order; `sources` by alias. Raises CopyRefused, OSError."""
    for copy in copies:
        try:
            _apply(copy, sources, staging)
        except CopyRefused as error:
            raise CopyRefused(
                f"failed to apply copy operation from '{copy.source}' to '{copy.target}': {error}"
            ) from error


def _apply(copy: Copy, sources: Mapping[str, Path], staging: Path) -> None:
    source, target = parse_place(copy.source), parse_place(copy.target)
    if target.root != ARTIFACT or ".." in target.text.split("/"):
        raise CopyRefused("the destination must lie below '@artifact/', without '..'")
    root = sources.get(source.root)
    if root is None:
        raise CopyRefused(f"source alias '{source.root}' not found")
    globs = [PathGlob(pattern) for pattern in copy.exclude]
    task = _Task(copy.strategy, root, staging)
    if not _GLOB_CHARACTERS & set(source.text):
        task.copy_one(source.path, target.path, globs, into_folder=target.is_folder)
    else:
        task.copy_matches(source.text, target.path, globs)


@dataclass(frozen=True, slots=True)
class _Task:
    """One act of copying between two roots."""

    strategy: Strategy
    root: Path
    staging: Path

    def copy_one(
        self, source: TreePath, target: TreePath, globs: Sequence[PathGlob], *, into_folder: bool
    ) -> None:
        """A file or a directory that is named without wildcards."""
        origin = self.root.joinpath(*source)
        if not origin.exists():
            raise CopyRefused(f"source '{joined(source)}' does not exist")
        if origin.is_dir():
            if self.strategy is Strategy.EXTRACT:
                raise CopyRefused(f"strategy Extract needs an archive, '{joined(source)}' is a directory")
            self.copy_folder(source, (*target, *source[-1:]), _Excludes(globs, source))
            return
        if _Excludes(globs).covers(source):
            return
        if self.strategy is Strategy.EXTRACT:
            if not _is_archive(source):
                raise CopyRefused(f"strategy Extract needs a .tar.gz or .tgz, not '{joined(source)}'")
            self._extract(source, target)
            return
        if into_folder or self.staging.joinpath(*target).is_dir():
            target = (*target, source[-1])
        self._copy_file(source, target, merging=self.strategy is Strategy.MERGE)

    def copy_matches(self, pattern: str, target: TreePath, globs: Sequence[PathGlob]) -> None:
        """Everything that fits a glob, below a directory."""
        base = _literal_prefix(pattern)
        recursive = self.strategy is Strategy.EXTRACT
        found = list(
            _below(self.root, PathGlob(pattern)) if recursive else _standard_glob(self.root, pattern)
        )
        if not found:
            raise CopyRefused(f"no files match pattern '{pattern}'")
        excludes = _Excludes(globs, base)
        kept = [path for path in found if not excludes.covers(path)]
        if not kept:
            raise CopyRefused(f"all files matching pattern '{pattern}' were excluded")
        for path in kept:
            if self.strategy is Strategy.EXTRACT:
                if _is_archive(path) and self.root.joinpath(*path).is_file():
                    self._extract(path, target)
            else:
                self._copy_match(path, (*target, *_shown_part(pattern, path)), excludes)

    def _copy_match(self, path: TreePath, target: TreePath, excludes: _Excludes) -> None:
        if self.root.joinpath(*path).is_dir():
            self.copy_folder(path, target, excludes)
        else:
            self._copy_file(path, target, merging=self.strategy is Strategy.MERGE)

    def copy_folder(self, source: TreePath, target: TreePath, excludes: _Excludes) -> None:
        self._make_folder(target)
        with os.scandir(self.root.joinpath(*source)) as listing:
            entries = sorted(listing, key=lambda entry: entry.name)
        for entry in entries:
            path = (*source, entry.name)
            if excludes.covers(path):
                continue
            if entry.is_dir(follow_symlinks=False):
                self.copy_folder(path, (*target, entry.name), excludes)
            elif entry.is_file(follow_symlinks=False):
                self._copy_file(path, (*target, entry.name), merging=False)

    def _copy_file(self, source: TreePath, target: TreePath, *, merging: bool) -> None:
        if not target:
            raise CopyRefused("the destination is the root of the artifact, not a file")
        self._make_folder(target[:-1])
        origin, file = self.root.joinpath(*source), self.staging.joinpath(*target)
        if file.is_dir():
            raise CopyRefused(f"'{joined(target)}' is a directory already")
        if merging and file.exists():
            if max(origin.stat().st_size, file.stat().st_size) > _MAX_MERGED_BYTES:
                raise CopyRefused(f"'{joined(source)}' is larger than {_MAX_MERGED_BYTES} bytes: not merged")
            file.write_bytes(merged_yaml(file.read_bytes(), origin.read_bytes(), joined(source)))
            file.chmod(0o644)
            return
        file.unlink(missing_ok=True)
        shutil.copy(origin, file, follow_symlinks=False)

    def _make_folder(self, path: TreePath) -> None:
        try:
            self.staging.joinpath(*path).mkdir(mode=0o755, parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            raise CopyRefused(f"'{joined(path)}' is a file already, not a directory") from error

    def _extract(self, source: TreePath, target: TreePath) -> None:
        """Beside the staging directory first: what is there already may be overwritten."""
        beside = self.staging.with_name(f"{self.staging.name}.extracted")
        beside.mkdir()
        try:
            archive = self.root.joinpath(*source)
            unpack_now(archive, beside, limits=_ARCHIVE_LIMITS, links=Links.REFUSE)
            replace(self, root=beside).copy_folder((), target, _Excludes(()))
        except ArtifactError as error:
            raise CopyRefused(f"failed to extract '{joined(source)}': {error}") from error
        finally:
            shutil.rmtree(beside)


def _is_archive(path: TreePath) -> bool:
    return path[-1].lower().endswith(_ARCHIVES) if path else False


def _literal_prefix(pattern: str) -> TreePath:
    """The directories before the first wildcard."""
    parts: list[str] = []
    for part in cleaned(pattern):
        if _GLOB_CHARACTERS & set(part):
            break
        parts.append(part)
    return tuple(parts)


def _shown_part(pattern: str, path: TreePath) -> TreePath:
    """What of a match's path is kept: all of it, but for what stands before a final `/**`."""
    if not pattern.endswith("/**"):
        return path
    prefix = cleaned(pattern.removesuffix("/**"))
    return path[len(prefix) :] if path[: len(prefix)] == prefix else path


def _standard_glob(root: Path, pattern: str) -> Iterator[TreePath]:
    """One glob a component, `**` being one as well; names that begin with a dot match too."""
    parts = [compile_glob(part) for part in cleaned(pattern)]
    if any(part.tokens is None for part in parts):
        raise CopyRefused(f"invalid glob pattern '{pattern}'")
    found: list[TreePath] = [()]
    for part in parts:
        found = [(*folder, name) for folder in found for name in _names(root.joinpath(*folder), part)]
    yield from found


def _names(folder: Path, glob: Glob) -> list[str]:
    """What fits in a directory; a name without wildcards is looked up, not looked for."""
    if glob.literal is not None:
        return [glob.literal] if folder.joinpath(glob.literal).exists() else []
    if not folder.is_dir():
        return []
    with os.scandir(folder) as entries:
        return sorted(entry.name for entry in entries if glob.matches(entry.name))


def _below(root: Path, glob: PathGlob) -> Iterator[TreePath]:
    """Every file and directory below that fits."""
    for folder, folders, files in os.walk(root):
        base = Path(folder).relative_to(root).parts
        folders.sort()
        for name in sorted([*folders, *files]):
            if glob.matches((*base, name)):
                yield (*base, name)
