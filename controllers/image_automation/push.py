"""Push the commit to its branch, and again where a refspec says so (specs/image.md 19)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from controllers.image_automation.checkout import Branches, Checkout
from shared.git.client import Git, RefUpdate
from shared.git.errors import InvalidRemote, PushRaced, PushRejected
from shared.git.remote import Remote, require_valid_ref

_ATTEMPTS = 3


class InvalidRefspec(InvalidRemote):
    """The text is no refspec, or none that this controller obeys."""


@dataclass(frozen=True, slots=True)
class Refspec:
    """`+source:target`; either both end in names, or both have one `*`."""

    force: bool
    source: str
    target: str

    @classmethod
    def parse(cls, text: str) -> Refspec:
        """Raises InvalidRefspec; also for what would delete a ref."""
        force, body = text.startswith("+"), text.removeprefix("+")
        source, colon, target = body.partition(":")
        if not colon or not source or not target or ":" in target:
            raise InvalidRefspec(f"invalid refspec '{text[:200]}': write it like refs/heads/a:refs/heads/b")
        if source.count("*") != target.count("*") or source.count("*") > 1:
            raise InvalidRefspec(f"invalid refspec '{text[:200]}': both sides need the same one '*', or none")
        for name in (source, target):
            require_valid_ref(name.replace("*", "x"))
        return cls(force, source, target)

    def targets(self, refs: Mapping[str, str]) -> dict[str, str]:
        """Which refs get which commit, of those that we have. Raises InvalidRefspec when it is none."""
        if "*" not in self.source:
            if self.source not in refs:
                raise InvalidRefspec(f"no '{self.source}' to push: it is neither pushed to nor checked out")
            return {self.target: refs[self.source]}
        head, _, tail = self.source.partition("*")
        first, _, last = self.target.partition("*")
        return {
            f"{first}{name[len(head) : len(name) - len(tail)]}{last}": sha
            for name, sha in refs.items()
            if name.startswith(head) and name.endswith(tail) and len(name) >= len(head) + len(tail)
        }


@dataclass(frozen=True, slots=True)
class Pushing:
    """A commit in a repository on disk, and where it goes. `force` may replace a push branch that was
    switched to; even then only what was seen at the checkout.
    """

    git: Git
    remote: Remote
    folder: Path
    options: tuple[str, ...]
    force: bool
    within: timedelta

    async def branch(self, branches: Branches, checkout: Checkout, commit: str) -> None:
        """Raises PushRaced when the branch has moved since the checkout, and other GitErrors."""
        follows = checkout.tip in {"", checkout.base}
        if not follows and not (self.force and branches.switches):
            await self._require_follows(checkout.tip, checkout.base, branches.push_ref, "push")
        await self._push([RefUpdate(branches.push_ref, commit, checkout.tip)])

    async def refspec(self, spec: Refspec, branches: Branches, checkout: Checkout, commit: str) -> None:
        """Raises InvalidRefspec and other GitErrors. Only a leading `+` lets commits be left out."""
        refs = {branches.push_ref: commit}
        if checkout.target.ref and checkout.target.ref not in refs:
            refs[checkout.target.ref] = checkout.target.fetch
        targets = spec.targets(refs)
        for attempt in range(_ATTEMPTS):
            seen = await self.git.list_refs(self.remote, list(targets), within=self.within)
            updates = [RefUpdate(ref, new, seen.get(ref, "")) for ref, new in targets.items()]
            for update in updates:
                if not spec.force:
                    await self._require_fast_forward(update, checkout, commit, attempt)
            try:
                await self._push(updates)
                break
            except PushRaced:
                if attempt == _ATTEMPTS - 1:
                    raise

    async def _require_fast_forward(
        self, update: RefUpdate, checkout: Checkout, commit: str, attempt: int
    ) -> None:
        base = checkout.base if update.new == commit else update.new
        if update.expected not in {"", base, update.new}:
            await self._require_follows(update.expected, base, update.ref, f"refspec-{attempt}")

    async def _require_follows(self, old: str, new: str, ref: str, name: str) -> None:
        into = self.folder.with_name(f"{self.folder.name}-history-{name}-{old[:8]}")
        if not await self.git.leads_to(self.remote, old, new, into, within=self.within):
            raise PushRejected(f"non-fast-forward update: '{ref}' has commits that would be lost")

    async def _push(self, updates: list[RefUpdate]) -> None:
        await self.git.push(self.remote, self.folder, updates, self.options, within=self.within)
