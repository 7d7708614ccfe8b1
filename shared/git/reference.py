"""Which commit a GitRepository means, given the refs a remote has (spec source 8.4): pure.

Precedence: commit, name, tag, semver, branch.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from shared.git.errors import InvalidRemote, ReferenceNotFound
from shared.git.remote import require_valid_ref
from shared.logic.revision import render_revision
from shared.logic.semver import InvalidRange, InvalidVersion, Range, Version
from shared.model.source import DEFAULT_BRANCH, GitReference

_HEADS, _TAGS = "refs/heads/", "refs/tags/"
_PEELED = "^{}"
_THREE_PARTS = re.compile(r"v?[0-9]+\.[0-9]+\.[0-9]+(?:[-+].*)?", re.DOTALL)
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Target:
    """A commit to fetch: `pointer` is what the revision shows, `ref` the full ref that led here,
    `fetch` the hash to ask for (of the tag object, where there is one).
    """

    pointer: str
    ref: str
    fetch: str
    commit: str

    @property
    def revision(self) -> str:
        return render_revision(self.pointer, self.commit)

    @property
    def tag(self) -> str:
        """The tag's short name, or nothing when no tag led here."""
        return self.ref.removeprefix(_TAGS) if self.ref.startswith(_TAGS) else ""


def prefixes(reference: GitReference) -> list[str]:
    """Which refs to list. Raises InvalidRemote for names that no ref can have."""
    full = _full_ref(reference)
    if full:
        return [full]
    return [] if reference.commit else [_TAGS]


def is_cheap(reference: GitReference) -> bool:
    """Whether listing refs alone tells what is new; semver and commit always fetch (spec 15.17)."""
    return not reference.commit and (bool(reference.name or reference.tag) or not reference.semver)


def candidates(reference: GitReference, refs: Mapping[str, str]) -> list[Target]:
    """The commit that is meant; more than one where tags are the same version but for build metadata.

    Raises ReferenceNotFound, InvalidRemote.
    """
    if reference.commit:
        return [_of_commit(reference, refs)]
    if reference.semver and not (reference.name or reference.tag):
        return _highest(reference.semver, refs)
    return [_of_ref(_full_ref(reference), _pointer(reference), refs)]


def _full_ref(reference: GitReference) -> str:
    """The one ref that matters, or nothing."""
    name = reference.name.removesuffix(_PEELED)
    if name:
        full = name
    elif reference.commit:
        full = _HEADS + reference.branch if reference.branch else ""
    elif reference.tag:
        full = _TAGS + reference.tag
    elif reference.semver:
        full = ""
    else:
        full = _HEADS + (reference.branch or DEFAULT_BRANCH)
    if full:
        require_valid_ref(full)
    return full


def _pointer(reference: GitReference) -> str:
    if reference.name:
        return reference.name.removesuffix(_PEELED)
    if reference.commit:
        return reference.branch
    return reference.tag or reference.branch or DEFAULT_BRANCH


def _of_ref(ref: str, pointer: str, refs: Mapping[str, str]) -> Target:
    if ref not in refs:
        raise ReferenceNotFound(f"couldn't find remote ref '{ref}'")
    return Target(pointer, ref, refs[ref], refs.get(ref + _PEELED, refs[ref]))


def _of_commit(reference: GitReference, refs: Mapping[str, str]) -> Target:
    if not _COMMIT.fullmatch(reference.commit):
        raise InvalidRemote(f"'{reference.commit[:100]}' is not the full hash of a commit")
    ref = _full_ref(reference)
    if ref and ref not in refs:
        raise ReferenceNotFound(f"couldn't find remote ref '{ref}'")
    return Target(_pointer(reference), "", reference.commit, reference.commit)


def _highest(semver: str, refs: Mapping[str, str]) -> list[Target]:
    try:
        wanted = Range.parse(semver)
    except InvalidRange as error:
        raise InvalidRemote(f"semver parse error: {error}") from error
    versions = {name: version for name in refs if (version := _version(name)) and wanted.contains(version)}
    if not versions:
        raise ReferenceNotFound(f"no match found for semver: {semver}")
    best = max(versions.values())
    names = sorted(name for name, version in versions.items() if version == best)
    return [_of_ref(name, name.removeprefix(_TAGS), refs) for name in names]


def _version(ref: str) -> Version | None:
    short = ref.removeprefix(_TAGS)
    if short == ref or short.endswith(_PEELED) or not _THREE_PARTS.fullmatch(short):
        return None
    try:
        return Version.parse(short)
    except InvalidVersion:
        return None
