"""The steps of the story that begin in a container registry: an artifact, and a new image."""

from __future__ import annotations

import io
import time
from pathlib import Path

from cli.demo.objects import (
    APP,
    HOME,
    image_policy,
    image_repository,
    image_update_automation,
    oci_kustomization,
    oci_repository,
)
from cli.demo.telling import DEPLOYMENT, Telling, runs, shortened
from cli.demo.waiting import Target, ready_at
from shared.artifacts.pack import entries_below, pack
from shared.model.kinds import (
    CONFIG_MAP,
    IMAGE_POLICY,
    IMAGE_REPOSITORY,
    IMAGE_UPDATE_AUTOMATION,
    KUSTOMIZATION,
    OCI_REPOSITORY,
)
from shared.oci.authorization import Authorizations
from shared.oci.opening import Opening
from shared.oci.push import push_artifact
from shared.oci.reference import Repository
from shared.oci.registry import opened

_CONTENT = "application/vnd.cncf.flux.content.v1.tar+gzip"
_IMAGE_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
_WEB = Target(DEPLOYMENT, APP, "web")
_FILE = "deploy/kustomization.yaml"


async def artifact(telling: Telling, number: int) -> None:
    """Manifests from a registry, beside those from git. Raises NotSeen, OciError, KubeError."""
    world, terminal = telling.world, telling.world.terminal
    terminal.heading(number, "An artifact from a registry, next to the git repository")
    terminal.say("The folder ./prices is pushed as an OCI artifact; an OCIRepository follows >=1.0.0.")
    await _push(world.registry, "prices", "1.0.0", world.repository.work / "prices", _CONTENT)
    begun = time.monotonic()
    await world.apply(OCI_REPOSITORY, oci_repository(world.registry))
    await world.apply(KUSTOMIZATION, oci_kustomization())
    fetched = await world.watcher.until(
        Target(OCI_REPOSITORY, HOME, "prices"), ready_at("artifact.revision", ""), "it is pulled", since=begun
    )
    telling.seen(f"pulled {shortened(fetched.present['status']['artifact']['revision'])}", fetched.seconds)
    applied = await world.watcher.until(
        Target(KUSTOMIZATION, HOME, "prices"),
        ready_at("lastAppliedRevision", ""),
        "kustomize-controller applies",
        since=begun,
    )
    await world.client.get(CONFIG_MAP, APP, "prices")
    telling.record("OCI artifact applied", f"ConfigMap {APP}/prices", applied.seconds)


async def image_loop(telling: Telling, number: int) -> None:
    """A tag is pushed, Headwater commits it, the cluster runs it. Raises NotSeen, OciError, KubeError."""
    world, terminal, repository = telling.world, telling.world.terminal, telling.world.repository
    terminal.heading(number, "A new image becomes a commit, and the commit rolls out")
    terminal.say("An ImagePolicy takes the highest 1.x of the image; a comment in git marks the line.")
    await _set_up_images(telling)
    terminal.typed("docker push registry/shop:1.2.0")
    begun = time.monotonic()
    await _push(world.registry, "shop", "1.2.0", repository.work / "prices", _IMAGE_LAYER)
    await telling.announce(IMAGE_REPOSITORY)
    chosen = await world.watcher.until(
        Target(IMAGE_POLICY, HOME, APP), ready_at("latestRef.tag", "1.2.0"), "the tag is chosen", since=begun
    )
    telling.seen("ImagePolicy shop: 1.2.0", chosen.seconds)
    old = await repository.head()
    pushed = await world.watcher.until(
        Target(IMAGE_UPDATE_AUTOMATION, HOME, APP),
        ready_at("lastPushCommit", ""),
        "the commit is pushed",
        since=begun,
    )
    commit = str(pushed.present["status"]["lastPushCommit"])
    await repository.pull()
    telling.seen(f"commit {commit[:7]} by {await repository.described(commit)}", pushed.seconds)
    for line in await repository.changed_lines(old, commit, _FILE):
        terminal.detail(line)
    await telling.announce()
    rolled = await world.watcher.until(_WEB, runs("shop:1.2.0"), "the Deployment changes", since=begun)
    telling.record("pushed image rolled out", f"{_WEB}: shop:1.2.0", rolled.seconds)
    await world.watcher.until(
        Target(KUSTOMIZATION, HOME, APP), ready_at("lastAppliedRevision", commit), "it is ready again"
    )


async def _set_up_images(telling: Telling) -> None:
    """With the image that runs already, so that there is nothing to do yet."""
    world = telling.world
    await _push(world.registry, "shop", "1.1.0", world.repository.work / "deploy", _IMAGE_LAYER)
    await world.apply(IMAGE_REPOSITORY, image_repository(world.registry))
    await world.apply(IMAGE_POLICY, image_policy())
    await world.watcher.until(
        Target(IMAGE_POLICY, HOME, APP), ready_at("latestRef.tag", "1.1.0"), "the policy chooses"
    )
    await world.apply(IMAGE_UPDATE_AUTOMATION, image_update_automation())
    await world.watcher.until(
        Target(IMAGE_UPDATE_AUTOMATION, HOME, APP),
        ready_at("lastAutomationRunTime", ""),
        "the automation finds all up to date",
    )


async def _push(host: str, name: str, tag: str, folder: Path, media_type: str) -> None:
    """The folder as the one layer of an artifact."""
    packed = io.BytesIO()
    pack(entries_below(folder), packed)
    repository = Repository.parse(f"oci://{host}/{name}")
    async with opened(repository, Opening(plain=True), Authorizations(), actions="pull,push") as registry:
        await push_artifact(registry, tag, [(packed.getvalue(), media_type)])
