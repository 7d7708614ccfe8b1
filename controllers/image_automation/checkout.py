"""Which commit an automation builds on, and where its own commit goes (specs/image.md 13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from shared.git import reference
from shared.git.client import Git
from shared.git.reference import Target
from shared.git.remote import Remote, require_valid_ref
from shared.git.resolve import resolve
from shared.model.image_update import GitSpec
from shared.model.source import DEFAULT_BRANCH, GitReference

HEADS = "refs/heads/"
_NOTHING = GitReference()


class NoPushBranch(ValueError):
    """The spec names no branch to push to, and none can be inferred."""


@dataclass(frozen=True, slots=True)
class Branches:
    """`checkout` is what is read; `push` the short name of the branch that is written."""

    checkout: GitReference
    push: str
    switches: bool

    @property
    def push_ref(self) -> str:
        return HEADS + self.push


@dataclass(frozen=True, slots=True)
class Checkout:
    """`base` is the commit to build on, `tip` where the push branch is (empty: it does not exist yet)."""

    target: Target
    base: str
    tip: str


def branches_of(spec: GitSpec, default: GitReference) -> Branches:
    """`default` is the reference of the GitRepository. Raises NoPushBranch, InvalidRemote.

    Whether branches are switched is judged by the field `branch` alone, as Flux does it.
    """
    wanted = default if spec.checkout is None or spec.checkout == _NOTHING else spec.checkout
    push = spec.push.branch if spec.push is not None else ""
    if not push and not wanted.branch:
        raise NoPushBranch(
            "push spec not provided, and cannot be inferred from .spec.git.checkout.ref "
            "or GitRepository .spec.ref"
        )
    read = DEFAULT_BRANCH if wanted == _NOTHING else wanted.branch
    push = push or wanted.branch
    require_valid_ref(push)
    return Branches(wanted, push, switches=push != read)


def is_known(branches: Branches, target: Target, observed: str) -> bool:
    """Whether the commit was seen before, for references that can be compared without a fetch."""
    return bool(observed) and reference.is_cheap(branches.checkout) and target.revision == observed


@dataclass(frozen=True, slots=True)
class Checkouts:
    """`all_branches` lets an existing push branch be built on, instead of replaced."""

    git: Git
    all_branches: bool

    async def find(self, remote: Remote, branches: Branches, folder: Path, *, within: timedelta) -> Target:
        """The commit that is read. Raises GitError."""
        return await resolve(self.git, remote, branches.checkout, folder, within=within)

    async def fetch(
        self, remote: Remote, branches: Branches, target: Target, into: Path, *, within: timedelta
    ) -> Checkout:
        """Fetch the one commit to build on, into a new bare repository. Raises GitError."""
        if target.ref == branches.push_ref:
            tip = target.fetch
        else:
            refs = await self.git.list_refs(remote, [branches.push_ref], within=within)
            tip = refs.get(branches.push_ref, "")
        builds_on_tip = bool(tip) and branches.switches and self.all_branches
        base = tip if builds_on_tip else target.fetch
        commit = await self.git.fetch(remote, base, into, within=within)
        return Checkout(target, commit.hash, tip)
