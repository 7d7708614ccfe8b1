"""Put the parts of image-automation-controller together, and say what wakes its objects."""

from __future__ import annotations

from functools import partial

from controllers.image_automation import image_policy, image_repository
from controllers.image_automation.access import ImageAccess
from controllers.image_automation.collection import collect_forever
from controllers.image_automation.image_update_wiring import image_update_automations
from controllers.image_automation.referrals import Referrals
from controllers.image_automation.referrers import Referrers
from controllers.image_automation.reflection import Reflection
from controllers.image_automation.scanner import Scanner
from controllers.image_automation.settings import Settings
from controllers.image_automation.tag_store import TagStore
from shared.kube.cache import Change
from shared.kube.secrets import Secrets
from shared.model.image import REFLECTOR_MANAGER, ImagePolicy, ImageRepository
from shared.model.kinds import IMAGE_POLICY, IMAGE_REPOSITORY
from shared.oci.authorization import Authorizations
from shared.oci.gate import Gates
from shared.runtime.controller import Controller
from shared.runtime.identities import GATE, Identities
from shared.runtime.kind import Kind
from shared.runtime.process import Parts
from shared.runtime.registry_secrets import RegistrySecrets
from shared.runtime.services import Services


class Wiring:
    """Made once the process leads; nothing of it has been started yet."""

    def __init__(self, services: Services, settings: Settings) -> None:
        self._services, self._settings = services, settings
        size, longest = settings.token_cache_size, settings.token_cache_longest
        self._identities = Identities.over(
            services.client,
            enabled=settings.runtime.gates[GATE],
            default_account=settings.default_service_account,
            size=size,
            longest=longest,
        )
        self._known = Authorizations(size, longest)
        self._gates = Gates()
        self._store = TagStore(settings.storage_path)
        self._access = ImageAccess(
            RegistrySecrets(services.client, Secrets(services.client)), self._identities
        )
        self._repositories = self._image_repositories()
        self._policies = self._image_policies()
        self._automations = image_update_automations(
            services, settings, self._identities, self._policies.cache
        )
        self._connect_wakes()

    def parts(self) -> Parts:
        automations = self._automations
        return Parts(
            [self._repositories, self._policies, automations.controller],
            servers=list(automations.servers),
            tasks=[
                partial(collect_forever, self._store, self._repositories.cache, self._settings.gc_interval)
            ],
        )

    def _image_repositories(self) -> Controller[ImageRepository]:
        by_content = self._settings.runtime.gates["FluxStorage"]
        scanner = Scanner(self._store, self._known, self._gates, by_content=by_content)
        deps = image_repository.Deps(self._access, scanner, self._store)
        kind = Kind(
            IMAGE_REPOSITORY,
            ImageRepository.parse,
            partial(image_repository.reconcile, deps),
            partial(image_repository.finalize, deps),
            field_manager=REFLECTOR_MANAGER,
        )
        return Controller(kind, self._services)

    def _image_policies(self) -> Controller[ImagePolicy]:
        deps = image_policy.Deps(
            access=self._access,
            referrals=Referrals(
                self._services.client, cross_namespace=not self._settings.no_cross_namespace_refs
            ),
            reflection=Reflection(self._access, self._known, self._gates),
            store=self._store,
            requeue=self._settings.runtime.requeue_dependency,
            rescan=self._repositories.wake,
        )
        kind = Kind(
            IMAGE_POLICY,
            ImagePolicy.parse,
            partial(image_policy.reconcile, deps),
            partial(image_policy.finalize, deps),
            field_manager=REFLECTOR_MANAGER,
        )
        return Controller(kind, self._services, forget=deps.forget)

    def _connect_wakes(self) -> None:
        referrers = Referrers()
        self._policies.cache.subscribe(referrers.note)

        def wake(change: Change) -> None:
            for key in referrers.concerned(change):
                self._policies.wake(key)

        self._repositories.cache.subscribe(wake)


def assemble(services: Services, settings: Settings) -> Parts:
    """What runs once this process leads."""
    return Wiring(services, settings).parts()
