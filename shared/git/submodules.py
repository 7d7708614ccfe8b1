"""Find and fetch the submodules of a commit, and theirs. Runs in the worker.

A submodule's URL comes from the repository, so it is not trusted: http(s) and ssh only, credentials
only for the parent's own origin, bounded in number and depth.
"""

import contextlib
import io
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from dulwich.config import ConfigFile, parse_submodules
from dulwich.objects import Blob, ObjectID
from dulwich.repo import Repo

from shared.git.errors import InvalidRemote, RepositoryRefused
from shared.git.fetching import fetch_commit, peel
from shared.git.garbage import refusing_garbage
from shared.git.remote import Remote, origin_of, parse_url, shown
from shared.git.tree import TreeItem, walk

_MAX_MODULES = 200
_MAX_DEPTH = 10
_MAX_GITMODULES_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Module:
    path: tuple[str, ...]
    remote: Remote
    sha: str
    depth: int


def fetch_submodules(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `remote`, `repository`, `commit`, `seconds` -> `modules`: [{path, repository, commit}, ...].

    The repositories are put beside the given one; `path` is from the root of the outermost.
    """
    root = Path(argument["repository"])
    pending = list(_modules_of(root, argument["commit"], Remote.parse(argument["remote"]), (), 1))
    fetched: list[dict[str, Any]] = []
    while pending:
        module = pending.pop(0)
        if len(fetched) >= _MAX_MODULES or module.depth > _MAX_DEPTH:
            raise RepositoryRefused(
                f"more than {_MAX_MODULES} submodules, or nested deeper than {_MAX_DEPTH}"
            )
        into = root.with_name(f"{root.name}-module-{len(fetched)}")
        fetch_commit(module.remote, module.sha, into, argument["seconds"])
        fetched.append({"path": list(module.path), "repository": str(into), "commit": module.sha})
        pending += _modules_of(into, module.sha, module.remote, module.path, module.depth + 1)
    return {"modules": fetched}


def _modules_of(
    repository: Path, commit: str, remote: Remote, base: tuple[str, ...], depth: int
) -> Iterator[_Module]:
    with contextlib.closing(Repo(str(repository))) as repo:
        items = list(walk(repo, peel(repo, commit)[0].tree))
        urls = _declared_urls(repo, items)
    for item in items:
        if item.is_submodule:
            path = "/".join(item.path)
            if path not in urls:
                raise RepositoryRefused(f"submodule '{path}' is not declared in .gitmodules")
            yield _Module((*base, *item.path), module_remote(remote, urls[path]), item.sha, depth)


def _declared_urls(repo: Repo, items: list[TreeItem]) -> dict[str, str]:
    file = next((item for item in items if item.path == (".gitmodules",) and item.is_file), None)
    if file is None:
        return {}
    with refusing_garbage(".gitmodules"):
        kind, raw = repo.object_store.get_raw(ObjectID(file.sha.encode("ascii")))
        if kind != Blob.type_num or len(raw) > _MAX_GITMODULES_BYTES:
            raise ValueError("not a file, or too large")
        declared = list(parse_submodules(ConfigFile.from_file(io.BytesIO(raw))))
    return {
        path.decode("utf-8", "surrogateescape"): url.decode("utf-8", "replace") for path, url, _ in declared
    }


def module_remote(parent: Remote, url: str) -> Remote:
    """Where a submodule is fetched from, and with what. Raises RepositoryRefused."""
    absolute = _resolve(parent.url, url) if url.startswith(("./", "../")) else url
    try:
        clean = parse_url(absolute).clean
    except InvalidRemote as error:
        raise RepositoryRefused(f"submodule URL '{shown(absolute)}' refused: {error}") from error
    if origin_of(clean) != parent.origin:
        return parent.without_credentials(clean)
    return Remote.parse(parent.render() | {"url": clean})


def _resolve(base: str, relative: str) -> str:
    parts = urlsplit(base)
    path = posixpath.normpath(posixpath.join(parts.path or "/", relative))
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))
