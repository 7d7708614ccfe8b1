"""Put the parts of ImageUpdateAutomation together, and say what wakes one."""

from __future__ import annotations

import hashlib
import tempfile
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from controllers.image_automation import image_update_automation
from controllers.image_automation.checkout import Checkouts
from controllers.image_automation.image_update_policies import Concerned, Policies
from controllers.image_automation.image_update_source import Sources
from controllers.image_automation.image_update_steps import Tools
from controllers.image_automation.settings import Settings
from shared.cloud.token_cache import TokenCache
from shared.git.client import Git
from shared.git.pool import WorkerPool
from shared.kube.cache import Cache, Change
from shared.model.image_update import AUTOMATION_MANAGER, ImageUpdateAutomation
from shared.model.kinds import GIT_REPOSITORY, IMAGE_POLICY, IMAGE_UPDATE_AUTOMATION
from shared.runtime.controller import Controller
from shared.runtime.identities import Identities
from shared.runtime.kind import Kind
from shared.runtime.own_folder import own_folder
from shared.runtime.services import Services


@dataclass(frozen=True, slots=True)
class Automations:
    """The controller, and what must run around it."""

    controller: Controller[ImageUpdateAutomation]
    servers: tuple[AbstractAsyncContextManager[None], ...]


def image_update_automations(
    services: Services, settings: Settings, identities: Identities, policies: Cache
) -> Automations:
    """`policies` is the cache that the ImagePolicy controller keeps anyhow."""
    pool = WorkerPool()
    root = _workspaces(settings.storage_path)
    client, runtime = services.client, settings.runtime
    # A shard sees its own policies alone, and an automation may need those of others.
    seen = Cache(client, IMAGE_POLICY, namespace=runtime.namespace) if runtime.label_selector else policies
    repositories = Cache(client, GIT_REPOSITORY, namespace=runtime.namespace)
    tokens: TokenCache[str] = TokenCache(settings.token_cache_size, settings.token_cache_longest)
    git, gates = Git(pool), runtime.gates
    deps = image_update_automation.Deps(
        policies=Policies(client, seen),
        sources=Sources(
            client=client,
            repositories=repositories,
            git=git,
            tokens=tokens,
            algorithms=settings.ssh,
            identities=identities,
            cross_namespace=not settings.no_cross_namespace_refs,
        ),
        tools=Tools(
            git, Checkouts(git, all_branches=gates["GitAllBranchReferences"]), gates["GitForcePushBranch"]
        ),
        workspaces=root,
    )
    controller = Controller(_kind(deps), services)
    concerned = Concerned(controller.cache)
    controller.woken_by(repositories, concerned.by_repository)
    if seen is policies:
        policies.subscribe(partial(_wake, controller, concerned))
    else:
        controller.woken_by(seen, concerned.by_policy)
    return Automations(controller, (own_folder(root), pool.serve()))


def _wake(controller: Controller[ImageUpdateAutomation], concerned: Concerned, change: Change) -> None:
    for key in concerned.by_policy(change):
        controller.wake(key)


def _kind(deps: image_update_automation.Deps) -> Kind[ImageUpdateAutomation]:
    return Kind(
        IMAGE_UPDATE_AUTOMATION,
        ImageUpdateAutomation.parse,
        partial(image_update_automation.reconcile, deps),
        partial(image_update_automation.finalize, deps),
        field_manager=AUTOMATION_MANAGER,
        acknowledges_while_suspended=False,
    )


def _workspaces(storage_path: Path) -> Path:
    """One folder for each storage, since one process at a time owns a storage."""
    owner = hashlib.sha256(str(storage_path.absolute()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir(), f"image-automation-controller-{owner}")
