"""Find the commit that a reference means at a remote (spec source 8.4)."""

from datetime import timedelta
from pathlib import Path

from shared.git import reference
from shared.git.client import Git
from shared.git.errors import EmptyRepository, ReferenceNotFound
from shared.git.reference import Target
from shared.git.remote import Remote
from shared.model.source import GitReference

_ANY_REF = ("HEAD", "refs/heads/", "refs/tags/")


async def resolve(
    git: Git, remote: Remote, wanted: GitReference, folder: Path, *, within: timedelta
) -> Target:
    """Ask the remote where its refs are; nothing is fetched, below `folder`, unless two tags are the same
    version. Raises EmptyRepository, ReferenceNotFound and the other GitErrors.
    """
    prefixes = reference.prefixes(wanted)
    refs = await git.list_refs(remote, prefixes, within=within) if prefixes else {}
    try:
        found = reference.candidates(wanted, refs)
    except ReferenceNotFound:
        if not await git.list_refs(remote, _ANY_REF, within=within):
            raise EmptyRepository("git repository is empty") from None
        raise
    if len(found) == 1:
        return found[0]
    commits = [
        await git.fetch(remote, target.fetch, folder / f"tied-{number}", within=within)
        for number, target in enumerate(found)
    ]
    # Of equal versions, the one whose commit is the youngest.
    return max(zip(commits, found, strict=True), key=lambda pair: pair[0].time)[1]
