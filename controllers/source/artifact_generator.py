"""Make ExternalArtifacts of parts of other sources: read, decide, copy, pack, publish, prune.

Each step takes what the one above returned; any may raise a Failure, which the runtime turns into
conditions, an event and the next try. The order is that of spec source 13.3. An artifact whose content did
not change keeps its revision, so that a commit wakes only those whom it concerns.
"""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import structlog

from controllers.source.generation import decide
from controllers.source.generation.building import BUILD_FAILED, Builder, Made, Task, with_revisions
from controllers.source.generation.outputs import Outputs, digests_of
from controllers.source.generation.patterns import PathPattern, PatternInvalid, Wanted, expand
from controllers.source.generation.sources import Sources, folders_below
from controllers.source.workspace import workspace
from shared.artifacts.errors import ArtifactError, StorageFailed
from shared.artifacts.storage import Shelf, Storage
from shared.model.artifact import Artifact, artifact_of
from shared.model.event import EventType
from shared.model.generator import ArtifactGenerator, InventoryEntry
from shared.model.kinds import ARTIFACT_GENERATOR, EXTERNAL_ARTIFACT
from shared.model.meta import READY, Object, ObjectKey, Reason
from shared.runtime.failure import Stalled
from shared.runtime.outcome import Done, Outcome, Pending
from shared.runtime.progress import admit_drift, begin
from shared.runtime.report import Report

log = structlog.get_logger()

_PERIOD = timedelta(hours=1)
_COLLECTION_BUDGET = timedelta(minutes=5)
_DISABLED = "ReconciliationDisabled"


@dataclass(frozen=True, slots=True)
class Deps:
    """What reconciling ArtifactGenerators needs of the world."""

    workspaces: Path
    storage: Storage
    sources: Sources
    builder: Builder
    outputs: Outputs
    own_namespace_only: bool
    timeout: timedelta


@dataclass(frozen=True, slots=True)
class Inputs:
    """What artifacts are made of: `artifacts` and `folders` of the sources by alias; `live` objects."""

    artifacts: Mapping[str, Artifact]
    folders: Mapping[str, Path]
    live: Sequence[Object]


async def reconcile(deps: Deps, generator: ArtifactGenerator, report: Report) -> Outcome:
    """One run for one generator."""
    if generator.disabled:
        return _stay_disabled(report)
    async with asyncio.timeout(deps.timeout.total_seconds()):
        return await _reconcile(deps, generator, report)


async def _reconcile(deps: Deps, generator: ArtifactGenerator, report: Report) -> Outcome:
    await begin(report)
    decide.require_valid(generator, own_namespace_only=deps.own_namespace_only)
    artifacts = await deps.sources.artifacts(generator)  # spec.sources -> what they hold
    live = await deps.outputs.owned_by(generator)
    reason = decide.why_anew(generator, await _look(deps, generator, report, artifacts, live))
    if not reason:
        return _end_unchanged(report)
    await admit_drift(report, f"building artifacts: {reason}")
    async with workspace(deps.workspaces, Shelf(ARTIFACT_GENERATOR.kind, generator.key), report) as folder:
        folders = await deps.sources.unpacked(generator, artifacts, folder / "sources")  # -> files
        wanted = await _wanted(generator, folders)  # spec.artifacts, and directories -> what to make
        inputs = Inputs(artifacts, folders, live)
        made = await _make(deps, generator, wanted, inputs, folder)  # files -> artifacts
    await _publish(deps, generator, report, made, live)  # artifacts -> objects
    report.status["observedSourcesDigest"] = decide.sources_digest(artifacts)
    _succeed(generator, report, made)
    return Done(_PERIOD)


async def finalize(deps: Deps, generator: ArtifactGenerator, report: Report) -> None:
    """Delete what was made for a generator that goes; what cannot be is only logged. Raises Failure."""
    del report
    live = await deps.outputs.owned_by(generator)
    names = {obj["metadata"]["name"] for obj in live} | {entry.name for entry in generator.inventory}
    for obj in live:
        await deps.outputs.delete(obj)
    await asyncio.to_thread(_tidy, deps.storage, generator, (), names)


def _stay_disabled(report: Report) -> Outcome:
    """Nothing is done, and what was made stays; whoever asks gets an answer."""
    if report.conditions.find(READY) is None:
        report.conditions.mark_true(READY, _DISABLED, "reconciliation is disabled")
    if report.is_requested or report.is_new_generation:
        report.tell(EventType.TRACE, _DISABLED, "reconciliation is disabled")
    return Pending(_PERIOD)


async def _look(
    deps: Deps,
    generator: ArtifactGenerator,
    report: Report,
    artifacts: Mapping[str, Artifact],
    live: Sequence[Object],
) -> decide.Seen:
    held = [artifact for obj in live if (artifact := artifact_of(obj)) is not None]
    return decide.Seen(
        ready=report.before.is_true(READY),
        new_generation=report.is_new_generation,
        sources_digest=decide.sources_digest(artifacts),
        digests=digests_of(live),
        lost=await asyncio.to_thread(_lost, deps.storage, generator),
        moved=any(artifact.url != deps.storage.url_of(artifact.path) for artifact in held),
    )


def _lost(storage: Storage, generator: ArtifactGenerator) -> list[str]:
    """Files that are not there any more, or not as they were; those are removed. Blocks on the disk."""
    lost: list[str] = []
    for entry in generator.inventory:
        shelf = _shelf(entry.name, generator)
        artifact = Artifact("", f"{shelf.path}/{entry.filename}", "", entry.digest)
        if not storage.holds(shelf, artifact):
            lost.append(artifact.path)
            continue
        try:
            storage.verify(artifact)
        except ArtifactError:
            storage.remove(artifact)
            lost.append(artifact.path)
    return lost


async def _wanted(generator: ArtifactGenerator, folders: Mapping[str, Path]) -> list[Wanted]:
    if not generator.path_pattern:
        return [Wanted(output, {}) for output in generator.outputs]
    try:
        pattern = PathPattern.parse(generator.path_pattern, aliases=folders.keys())
        return expand(pattern, generator.outputs, await folders_below(folders[pattern.alias]))
    except PatternInvalid as error:
        raise Stalled(str(error), reason=BUILD_FAILED) from error


async def _make(
    deps: Deps, generator: ArtifactGenerator, wanted: Sequence[Wanted], inputs: Inputs, folder: Path
) -> list[Made]:
    before = {obj["metadata"]["name"]: artifact_of(obj) for obj in inputs.live}
    tasks = [Task(_shelf(each.output.name, generator), each, before.get(each.output.name)) for each in wanted]
    built = deps.builder.build(tasks, inputs.folders, folder / "staging")
    return [with_revisions(made, inputs.artifacts) async for made in built]


async def _publish(
    deps: Deps, generator: ArtifactGenerator, report: Report, made: Sequence[Made], live: Sequence[Object]
) -> None:
    """Make or change the objects, then delete those that nobody wants; remember what could not be deleted."""
    there = {obj["metadata"]["name"]: obj for obj in live}
    for each in made:
        await deps.outputs.publish(generator, each.wanted, each.artifact, there.get(each.name))
    names = {each.name for each in made}
    stuck = {name for name, obj in there.items() if name not in names and not await deps.outputs.delete(obj)}
    old = {entry.name: entry for entry in generator.inventory}
    unwanted = (there.keys() | old.keys()) - names - stuck
    await asyncio.to_thread(_tidy, deps.storage, generator, made, unwanted)
    kept = [old[name] for name in sorted(stuck & old.keys())]
    entries = [_entry(generator, each) for each in made]
    report.status["inventory"] = [entry.render() for entry in sorted([*entries, *kept], key=_name_of)]


def _tidy(
    storage: Storage, generator: ArtifactGenerator, made: Sequence[Made], unwanted: Iterable[str]
) -> None:
    """Remove what nobody wants, and what is old. Blocks on the disk; a failure is only logged."""
    for name in unwanted:
        _remove_all(storage, _shelf(name, generator))
    for each in made:
        storage.collect(_shelf(each.name, generator), each.artifact, budget=_COLLECTION_BUDGET)


def _remove_all(storage: Storage, shelf: Shelf) -> None:
    try:
        storage.remove_all(shelf)
    except StorageFailed as error:
        log.error("artifacts could not be removed", path=shelf.path, error=str(error))


def _entry(generator: ArtifactGenerator, made: Made) -> InventoryEntry:
    return InventoryEntry(made.name, generator.key.namespace, made.artifact.digest, made.filename)


def _name_of(entry: InventoryEntry) -> str:
    return entry.name


def _succeed(generator: ArtifactGenerator, report: Report, made: Sequence[Made]) -> None:
    message = f"reconciliation succeeded, generated {len(made)} artifact(s)"
    report.conditions.mark_true(READY, Reason.SUCCEEDED, message)
    report.tell(EventType.TRACE, READY, message)
    known = {(entry.name, entry.digest) for entry in generator.inventory}
    namespace = generator.key.namespace
    news = [
        f"{namespace}/{each.name} ({each.artifact.digest})"
        for each in made
        if (each.name, each.artifact.digest) not in known
    ]
    if news:
        report.tell(EventType.NORMAL, READY, "\n".join(("external artifacts reconciled:", *news)))


def _end_unchanged(report: Report) -> Outcome:
    if report.is_requested:
        # Whoever asked gets an answer; a routine period is not worth a write to the API server.
        report.tell(EventType.TRACE, READY, "no drift detected: the artifacts are as they were made")
    return Done(_PERIOD)


def _shelf(name: str, generator: ArtifactGenerator) -> Shelf:
    return Shelf(EXTERNAL_ARTIFACT.kind, ObjectKey(generator.key.namespace, name))
