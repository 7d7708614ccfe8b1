"""From an event to the providers that hear of it (specs/notification.md 7 and 8)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import structlog

from controllers.notification.combine import combine
from controllers.notification.deliver import read_provider
from controllers.notification.dispatch import Dispatcher, Job
from controllers.notification.event import Event
from controllers.notification.gate import Verdict, check_namespace, check_provider
from controllers.notification.match import carries, check_lists, sources_of
from controllers.notification.outgoing import Refused
from controllers.notification.troubles import Troubles
from shared.kube.cache import Cache
from shared.kube.client import KubeClient
from shared.kube.discovery import Discovery
from shared.kube.errors import KubeError
from shared.model.meta import Object, ObjectKey, ObjectRef
from shared.model.notification import Alert

log = structlog.get_logger()

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Intake:
    """Answers nobody: what goes wrong is told about the alert."""

    client: KubeClient
    discovery: Discovery
    alerts: Cache
    providers: Cache
    dispatcher: Dispatcher
    troubles: Troubles
    cross_namespace: bool

    async def ready(self) -> None:
        """Wait until alerts and providers are known: before, every event would be nobody's."""
        await self.alerts.synced.wait()
        await self.providers.synced.wait()

    async def take(self, event: Event) -> None:
        """Queue the event for every provider whose alert wants it."""
        labels: dict[str, Labels | None] = {}
        for obj, alert in self._readable():
            if await self._matches(obj, alert, event, labels):
                self._dispatch(obj, alert, event)

    def _readable(self) -> Iterator[tuple[Object, Alert]]:
        for obj in self.alerts:
            try:
                yield obj, Alert.parse(obj)
            except (KeyError, TypeError, ValueError) as error:
                log.error("alert cannot be read", alert=str(ObjectKey.of(obj)), error=str(error))

    async def _matches(
        self, obj: Object, alert: Alert, event: Event, labels: dict[str, Labels | None]
    ) -> bool:
        sources = sources_of(alert, event)
        if not sources:
            return False
        if all(source.labels is not None for source in sources):
            if "" not in labels:
                labels[""] = await self._labels(event)
            found = labels[""]
            if found is None:
                self.troubles.tell(
                    obj, "SourceFetchFailed", f"error getting source object {event.object_path}"
                )
                return False
            if not any(carries(found, source.labels or {}) for source in sources):
                return False
        listed = check_lists(alert, event.message)
        for problem in listed.problems:
            self.troubles.tell(obj, "InvalidConfig", problem)
        return listed.passes

    async def _labels(self, event: Event) -> Labels | None:
        """Of the involved object, as it is now; None when it cannot be had."""
        ref = ObjectRef(event.involved.get("apiVersion", ""), event.kind, event.namespace, event.name)
        try:
            resource = await self.discovery.resource_of(ref)
            found = await self.client.get(resource, event.namespace, event.name, metadata_only=True)
        except KubeError as error:
            log.info("source object cannot be read", object=event.object_path, error=str(error))
            return None
        return found["metadata"].get("labels") or {}

    def _dispatch(self, obj: Object, alert: Alert, event: Event) -> None:
        key = ObjectKey(alert.key.namespace, alert.provider)
        try:
            verdict = self._judge(key, alert, event)
        except Refused as error:
            self.troubles.not_dispatched(obj, event, str(error))
            return
        if verdict.problem:
            self.troubles.not_dispatched(obj, event, verdict.problem)
        if not verdict.passes:
            return
        combined = combine(event, alert)
        if combined.conflicts:
            self.troubles.conflicts(obj, combined.conflicts)
        self.dispatcher.submit(Job(key, obj, combined.event))

    def _judge(self, key: ObjectKey, alert: Alert, event: Event) -> Verdict:
        """Raises Refused when there is no such provider."""
        verdict = check_namespace(alert, event, cross_namespace=self.cross_namespace)
        if not verdict.passes:
            return verdict
        found = self.providers.find(key)
        if found is None:
            raise Refused(f"failed to read provider: '{key}' not found")
        return check_provider(read_provider(found), event)
