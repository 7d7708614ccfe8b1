"""What is wrong with an ArtifactGenerator, and whether its artifacts must be made anew (13.3): pure."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from controllers.source.generation.patterns import is_name
from shared.model.artifact import Artifact
from shared.model.generator import ArtifactGenerator
from shared.runtime.failure import Stalled

VALIDATION_FAILED, ACCESS_DENIED = "ValidationFailed", "AccessDenied"


def require_valid(generator: ArtifactGenerator, *, own_namespace_only: bool) -> None:
    """What the CRD's schema cannot check. Raises Stalled."""
    problem = next((said for rule in _RULES if (said := rule(generator))), "")
    if problem:
        raise Stalled(problem, reason=VALIDATION_FAILED)
    for source in generator.sources:
        if own_namespace_only and source.key.namespace != generator.key.namespace:
            raise Stalled(
                f"can't access '{source}', cross-namespace references have been blocked",
                reason=ACCESS_DENIED,
            )


def _duplicate_alias(generator: ArtifactGenerator) -> str:
    twice = _twice([source.alias for source in generator.sources])
    return f"duplicate source alias '{twice}' found" if twice else ""


def _duplicate_name(generator: ArtifactGenerator) -> str:
    twice = _twice([output.name for output in generator.outputs])
    return f"duplicate artifact name '{twice}' found" if twice else ""


def _bad_name(generator: ArtifactGenerator) -> str:
    if generator.path_pattern:
        return ""
    bad = next((output.name for output in generator.outputs if not is_name(output.name)), "")
    return f"artifact name '{bad}' is not a valid object name" if bad else ""


def _unknown_revision(generator: ArtifactGenerator) -> str:
    known = {source.alias for source in generator.sources}
    bad = (o for o in generator.outputs if o.revision_of and o.revision_of not in known)
    output = next(bad, None)
    return f"artifact '{output.name}': revision alias '{output.revision_of}' not found" if output else ""


_RULES: tuple[Callable[[ArtifactGenerator], str], ...] = (
    _duplicate_alias,
    _duplicate_name,
    _bad_name,
    _unknown_revision,
)


def _twice(names: Sequence[str]) -> str:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            return name
        seen.add(name)
    return ""


def sources_digest(artifacts: Mapping[str, Artifact]) -> str:
    """One digest of what all sources, by alias, hold now."""
    parts = sorted(
        f"{alias}=[digest={each.digest},revision={each.revision},url={each.url}]"
        for alias, each in artifacts.items()
    )
    return f"sha256:{hashlib.sha256('|'.join(parts).encode()).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Seen:
    """What was found: `digests` of the ExternalArtifacts there are, `lost` files of the store.

    `moved` says that the address under which artifacts are served is another one now.
    """

    ready: bool
    new_generation: bool
    sources_digest: str
    digests: Sequence[str]
    lost: Sequence[str]
    moved: bool


def why_anew(generator: ArtifactGenerator, seen: Seen) -> str:
    """The first reason to make the artifacts again, for people; empty where there is none."""
    if not seen.ready:
        return "the last attempt did not succeed"
    if seen.new_generation:
        return "the spec has changed"
    if seen.sources_digest != generator.observed_sources_digest:
        return "the sources have changed"
    if not generator.path_pattern and len(generator.inventory) != len(generator.outputs):
        return "the number of artifacts has changed"
    if seen.lost:
        return f"'{seen.lost[0]}' disappeared from storage"
    known = sorted(entry.digest for entry in generator.inventory)
    if sorted(seen.digests) != known:
        return "the ExternalArtifacts are not as they were made"
    return "the address of the store has changed" if seen.moved else ""
