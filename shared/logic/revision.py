"""How a git source names what it found: `main@sha1:<hash>` and relatives (spec source 1.3)."""

_HEX_OF_SHA1 = 40


def hash_label(commit: str) -> str:
    """`sha1:<hash>`; a hash of another length is labelled `<unknown>`, as Flux does."""
    algorithm = "sha1" if len(commit) == _HEX_OF_SHA1 else "<unknown>"
    return f"{algorithm}:{commit}"


def short_ref(ref: str) -> str:
    """`refs/heads/feature/x` -> `feature/x`: everything behind the second slash."""
    parts = ref.split("/", 2)
    return parts[2] if len(parts) == 3 and parts[0] == "refs" else ref


def render_revision(pointer: str, commit: str) -> str:
    """`<pointer>@sha1:<hash>`, or `sha1:<hash>` where no ref led to the commit."""
    return f"{pointer}@{hash_label(commit)}" if pointer else hash_label(commit)


def digest_part(revision: str) -> str:
    """What stands behind the last `@` (`sha1:<hash>`), also of legacy `<ref>/<hash>` revisions."""
    modern = modernise(revision)
    return modern.rpartition("@")[2]


def commit_of(revision: str) -> str:
    """The bare hash of a revision in any of its forms."""
    return digest_part(revision).rpartition(":")[2]


def modernise(revision: str) -> str:
    """Rewrite legacy `<ref>/<hash>` and `HEAD/<hash>`; leave every other string alone."""
    if ":" in revision:
        return revision
    pointer, slash, commit = revision.rpartition("/")
    if not slash or len(commit) != _HEX_OF_SHA1 or not all(c in "0123456789abcdef" for c in commit):
        return revision
    return render_revision("" if pointer == "HEAD" else pointer, commit)
