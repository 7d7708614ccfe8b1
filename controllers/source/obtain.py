"""Find the commit that a GitRepository means, and fetch it (spec source 8.4, 8.5)."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from controllers.source.conditions import Reason
from controllers.source.tree_path import inside
from shared.git import resolve as resolving
from shared.git.client import Commit, Git, Module
from shared.git.errors import EmptyRepository, GitError, InvalidCredentials
from shared.git.reference import Target
from shared.git.remote import Remote
from shared.model.source import GitRepository
from shared.runtime.failure import Failure


@dataclass(frozen=True, slots=True)
class Checkout:
    """A fetched commit: the bare repository it is in, and its submodules."""

    repository: Path
    target: Target
    commit: Commit
    modules: tuple[Module, ...]


async def resolve(git: Git, repo: GitRepository, remote: Remote, folder: Path) -> Target:
    """Ask the remote where its refs are; nothing is fetched unless two tags are the same version.

    Raises Failure.
    """
    with _git_failures():
        return await resolving.resolve(git, remote, repo.reference, folder, within=repo.timeout)


async def fetch(git: Git, repo: GitRepository, remote: Remote, target: Target, folder: Path) -> Checkout:
    """Fetch the commit, and the submodules where wanted, below `folder`. Raises Failure."""
    repository = folder / "git"
    with _git_failures():
        commit = await git.fetch(remote, target.fetch, repository, within=repo.timeout)
        sparse = [inside(path) for path in repo.content.sparse_checkout]
        if sparse:
            await git.require_paths(repository, commit.hash, sparse, within=repo.timeout)
        modules: list[Module] = []
        if repo.content.recurse_submodules:
            modules = await git.fetch_submodules(remote, repository, commit.hash, within=repo.timeout)
    return Checkout(repository, replace(target, commit=commit.hash), commit, tuple(modules))


@contextmanager
def _git_failures() -> Iterator[None]:
    try:
        yield
    except InvalidCredentials as error:
        raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error
    except EmptyRepository as error:
        raise Failure(str(error), reason=Reason.EMPTY_REPOSITORY) from error
    except GitError as error:
        message = f"failed to checkout and determine revision: {error}"
        raise Failure(message, reason=Reason.GIT_OPERATION_FAILED) from error
