"""Put the parts of notification-controller together: what every replica serves, and what the leader does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable

from controllers.notification.deliver import Delivery
from controllers.notification.dispatch import Dispatcher
from controllers.notification.event_server import create_app
from controllers.notification.intake import Intake
from controllers.notification.measures import Measures
from controllers.notification.migrate import Migration
from controllers.notification.outgoing import open_session
from controllers.notification.receivers.poke import Poker
from controllers.notification.receivers.reconcile import Reconciler
from controllers.notification.receivers.server import Hooks
from controllers.notification.settings import Settings
from controllers.notification.sightings import Sightings
from controllers.notification.troubles import Troubles
from shared.kube.cache import Cache, Change
from shared.model.kinds import ALERT, PROVIDER, RECEIVER, SECRET
from shared.model.meta import Object, ObjectKey
from shared.model.notification import FIELD_MANAGER
from shared.model.receiver import Receiver
from shared.runtime.controller import Controller
from shared.runtime.kind import Kind
from shared.runtime.probes import serving
from shared.runtime.process import Parts
from shared.runtime.services import Services


def everywhere(services: Services, settings: Settings) -> Parts:
    """Both HTTP servers, with copies of their own of what they decide by."""
    client, runtime = services.client, settings.runtime
    alerts = Cache(client, ALERT, namespace=runtime.namespace, label_selector=runtime.label_selector)
    providers = Cache(client, PROVIDER, namespace=runtime.namespace)
    receivers = Cache(client, RECEIVER, namespace=runtime.namespace, label_selector=runtime.label_selector)
    # Replicas that take off the same finalizer do no harm: one of them is told of a conflict.
    migration = Migration(client, alerts, providers)
    measures = Measures(services.metrics.registry, with_paths=settings.path_metrics)
    troubles = Troubles(services.recorder, measures)
    session = open_session()
    delivery = Delivery(client, session, providers.find)
    dispatcher = Dispatcher(delivery.deliver, troubles.failed, troubles.delivered)
    measures.watch(lambda: len(dispatcher))
    cross_namespace = not settings.no_cross_namespace_refs
    intake = Intake(
        client, services.discovery, alerts, providers, dispatcher, troubles, cross_namespace=cross_namespace
    )
    hooks = Hooks(client, receivers, Poker(client, services.discovery, cross_namespace=cross_namespace))
    sightings = Sightings(settings.rate_limit.total_seconds(), asyncio.get_running_loop().time)
    return Parts(
        [],
        servers=[
            _closing(session.close),
            dispatcher.running(),
            serving(create_app(intake, sightings, measures), settings.events_addr),
            serving(hooks.create_app(measures), settings.receiver_addr),
        ],
        tasks=[alerts.run, providers.run, receivers.run, migration.run],
    )


def assemble(services: Services, settings: Settings) -> Parts:
    """What only the leader does: Receivers get their paths."""
    client, runtime = services.client, settings.runtime
    reconciler = Reconciler(client)
    kind = Kind(
        RECEIVER,
        Receiver.parse,
        reconciler.reconcile,
        reconciler.finalize,
        field_manager=FIELD_MANAGER,
    )
    controller = Controller(kind, services)
    if not runtime.gates["DisableConfigWatchers"]:
        secrets = Cache(
            client,
            SECRET,
            namespace=runtime.namespace,
            label_selector=settings.config_selector,
            metadata_only=True,
        )

        def users(change: Change) -> list[ObjectKey]:
            if change.before is None and not secrets.synced.is_set():
                return []
            return [ObjectKey.of(obj) for obj in controller.cache if _uses(obj, change.key)]

        controller.woken_by(secrets, users)
    return Parts([controller])


def _uses(receiver: Object, secret: ObjectKey) -> bool:
    name = (receiver["spec"].get("secretRef") or {}).get("name")
    return (receiver["metadata"]["namespace"], name) == (secret.namespace, secret.name)


@contextlib.asynccontextmanager
async def _closing(close: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    try:
        yield
    finally:
        await close()
