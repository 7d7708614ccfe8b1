"""The story, step by step. Each step causes something, and ends when the effect was seen in the cluster."""

from __future__ import annotations

import time
from collections.abc import Mapping

from cli.demo import registry_steps
from cli.demo.objects import APP, HOME, git_repository, helm_release, kustomization
from cli.demo.telling import DEPLOYMENT, Telling, has_replicas, runs, shortened
from cli.demo.waiting import NotSeen, Target, Wanted, condition, ready_at
from cli.demo.world import World
from shared.model.kinds import CONFIG_MAP, GIT_REPOSITORY, HELM_RELEASE, KUSTOMIZATION, Resource
from shared.model.meta import Object

SERVICE = Resource("", "v1", "Service", "services")
_REPO = Target(GIT_REPOSITORY, HOME, APP)
_KS = Target(KUSTOMIZATION, HOME, APP)
_WEB = Target(DEPLOYMENT, APP, "web")
_HR = Target(HELM_RELEASE, HOME, "visitors")
_VISITORS = Target(DEPLOYMENT, APP, "visitors")
_SERVICE = Target(SERVICE, APP, "web")
_IN_CHAT = f"kustomization/{APP}.{HOME}"


class Story:
    """The steps share a world and what was seen in it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._telling = Telling(world)

    @property
    def timings(self) -> list[tuple[str, float]]:
        """What was seen, and how many seconds after its cause."""
        return self._telling.timings

    async def tell(self) -> None:
        """Raises NotSeen at the first step that does not come to its end."""
        await self._first_sync()
        await self._roll_out()
        await self._heal()
        before = await self._what_runs()
        await self._refuse(before)
        await self._fix()
        await self._release()
        await registry_steps.artifact(self._telling, 7)
        await registry_steps.image_loop(self._telling, 8)

    async def _first_sync(self) -> None:
        terminal = self.world.terminal
        terminal.heading(1, "First sync")
        terminal.say(
            "A GitRepository names the repository, a Kustomization the folder ./deploy in it. "
            "Both are now created, as kubectl apply would."
        )
        begun = time.monotonic()
        await self.world.apply(GIT_REPOSITORY, git_repository(self.world.url))
        await self.world.apply(KUSTOMIZATION, kustomization())
        fetched = await self.world.watcher.until(
            _REPO, ready_at("artifact.revision", ""), "source-controller fetches", since=begun
        )
        self._telling.seen(
            f"fetched {shortened(fetched.present['status']['artifact']['revision'])}", fetched.seconds
        )
        applied = await self.world.watcher.until(
            _KS, ready_at("lastAppliedRevision", ""), "kustomize-controller applies", since=begun
        )
        entries = applied.present["status"]["inventory"]["entries"]
        self._telling.record(
            "first sync", f"applied {len(entries)} objects, and they are healthy", applied.seconds
        )
        terminal.detail("  ".join(_readable(entry["id"]) for entry in entries))

    async def _roll_out(self) -> None:
        terminal, repository = self.world.terminal, self.world.repository
        terminal.heading(2, "A commit rolls out")
        repository.replace("deploy/kustomization.yaml", "newTag: 1.0.0", "newTag: 1.1.0")
        repository.replace("deploy/kustomization.yaml", "greeting=hello", "greeting=good morning")
        old = await self._settings()
        terminal.typed('git commit -am "Version 1.1.0, a kinder greeting" && git push')
        begun = time.monotonic()
        commit = await repository.publish("Version 1.1.0, a kinder greeting")
        await self._telling.announce()
        rolled = await self.world.watcher.until(
            _WEB, runs("shop:1.1.0"), "the Deployment changes", since=begun
        )
        self._telling.record(
            "commit to cluster", f"{_WEB}: shop:1.0.0 {terminal.arrow} shop:1.1.0", rolled.seconds
        )
        gone = await self.world.watcher.until(
            Target(CONFIG_MAP, APP, old), lambda obj: obj is None, "the old ConfigMap goes", since=begun
        )
        self._telling.seen(f"{await self._settings()} in place of {old}, which was pruned", gone.seconds)
        done = await self.world.watcher.until(
            _KS, ready_at("lastAppliedRevision", commit), "the Kustomization is ready again", since=begun
        )
        self._telling.seen(f"everything healthy, Kustomization ready at {shortened(commit)}", done.seconds)

    async def _heal(self) -> None:
        terminal, client = self.world.terminal, self.world.client
        terminal.heading(3, "A manual edit heals")
        terminal.typed("kubectl -n shop scale deployment web --replicas=0")
        begun = time.monotonic()
        await client.patch(
            DEPLOYMENT, APP, "web", {"spec": {"replicas": 0}}, params={"fieldManager": "kubectl-scale"}
        )
        healed = await self.world.watcher.until(_WEB, has_replicas(2), "the replicas come back", since=begun)
        self._telling.record("manual edit healed", f"{_WEB}: back to 2 replicas", healed.seconds)
        terminal.typed("kubectl -n shop delete service web")
        old = await client.get(SERVICE, APP, "web")
        begun = time.monotonic()
        await client.delete(SERVICE, APP, "web")
        back = await self.world.watcher.until(
            _SERVICE,
            lambda obj: obj is not None and _uid(obj) != _uid(old),
            "the Service comes back",
            since=begun,
        )
        self._telling.record("deleted object restored", f"{_SERVICE}: created again", back.seconds)

    async def _refuse(self, before: Mapping[str, str]) -> None:
        terminal, repository = self.world.terminal, self.world.repository
        terminal.heading(4, "A bad commit fails, somebody is told, and what runs is left alone")
        terminal.say("A Provider names the webhook of a chat, an Alert whose news go there.")
        repository.replace("deploy/web.yaml", "  replicas: 2\n", "  replicas: 2\n selector: [\n")
        terminal.typed('git commit -am "Tidy up" && git push')
        begun = time.monotonic()
        commit = await repository.publish("Tidy up")
        await self._telling.announce()
        failed = await self.world.watcher.until(
            _KS, _fails_at(commit), "the failure is reported", since=begun
        )
        ready = condition(failed.present)
        self.timings.append(("bad commit reported", failed.seconds))
        terminal.refused(f"{_KS}: Ready=False, {ready['reason']}", failed.seconds)
        terminal.detail(ready["message"])
        message, seconds = await self.world.chat.hear(_IN_CHAT, commit, bad=True, since=begun)
        self._telling.record("chat told of it", f"chat: {message.about}", seconds)
        terminal.detail(message.text, lines=1)
        await self._require_untouched(before)

    async def _fix(self) -> None:
        terminal, repository = self.world.terminal, self.world.repository
        terminal.heading(5, "The fix")
        repository.replace("deploy/web.yaml", "  replicas: 2\n selector: [\n", "  replicas: 3\n")
        terminal.typed('git commit -am "Tidy up again, and serve three" && git push')
        begun = time.monotonic()
        commit = await repository.publish("Tidy up again, and serve three")
        await self._telling.announce()
        done = await self.world.watcher.until(
            _KS, ready_at("lastAppliedRevision", commit), "the Kustomization recovers", since=begun
        )
        self._telling.record("fix applied", f"Kustomization ready at {shortened(commit)}", done.seconds)
        message, seconds = await self.world.chat.hear(_IN_CHAT, commit, bad=False, since=begun)
        self._telling.seen(f"chat: {message.about}", seconds)
        terminal.detail(message.text, lines=1)

    async def _release(self) -> None:
        terminal, repository = self.world.terminal, self.world.repository
        terminal.heading(6, "A Helm release from the same repository")
        terminal.say("A HelmRelease names a chart in the repository, ./charts/visitors, and its values.")
        begun = time.monotonic()
        await self.world.apply(HELM_RELEASE, helm_release())
        installed = await self.world.watcher.until(
            _HR, ready_at("lastAttemptedRevision", "0.1.0"), "helm-controller installs", since=begun
        )
        self._telling.record("Helm release installed", f"{_VISITORS}: visitors:1.0.0", installed.seconds)
        chart = "charts/visitors/Chart.yaml"
        repository.replace(chart, "version: 0.1.0", "version: 0.2.0")
        repository.replace(chart, "appVersion: 1.0.0", "appVersion: 1.1.0")
        terminal.typed('git commit -am "Count better" && git push')
        begun = time.monotonic()
        await repository.publish("Count better")
        await self._telling.announce()
        upgraded = await self.world.watcher.until(
            _HR, ready_at("lastAttemptedRevision", "0.2.0"), "the release is upgraded", since=begun
        )
        self._telling.record(
            "Helm release upgraded", f"visitors:1.0.0 {terminal.arrow} visitors:1.1.0", upgraded.seconds
        )
        terminal.detail("revision 2, recorded as Helm records it: helm -n flux-system history visitors")

    async def _settings(self) -> str:
        """The name of the ConfigMap that the Deployment uses now; it holds a hash of the contents."""
        web = await self.world.client.get(DEPLOYMENT, APP, "web")
        container = web["spec"]["template"]["spec"]["containers"][0]
        return str(container["envFrom"][0]["configMapRef"]["name"])

    async def _what_runs(self) -> Mapping[str, str]:
        """The generation of each object of the shop: it moves with every change of what was asked for."""
        client = self.world.client
        config = await client.get(CONFIG_MAP, APP, await self._settings())
        return {
            str(_WEB): str((await client.get(DEPLOYMENT, APP, "web"))["metadata"]["generation"]),
            str(_SERVICE): _uid(await client.get(SERVICE, APP, "web")),
            config["metadata"]["name"]: config["metadata"]["resourceVersion"],
        }

    async def _require_untouched(self, before: Mapping[str, str]) -> None:
        begun = time.monotonic()
        after = await self._what_runs()
        changed = [name for name in before if before[name] != after.get(name)]
        if changed:
            raise NotSeen(f"what ran should have been left alone, but this changed: {', '.join(changed)}")
        self._telling.seen("nothing in the cluster was touched", time.monotonic() - begun)


def _fails_at(commit: str) -> Wanted:
    """Ready is False, and it was this commit that was tried."""

    def wanted(obj: Object | None) -> bool:
        attempted = str(((obj or {}).get("status") or {}).get("lastAttemptedRevision", ""))
        return condition(obj).get("status") == "False" and attempted.endswith(commit)

    return wanted


def _uid(obj: Object) -> str:
    return str(obj["metadata"]["uid"])


def _readable(entry: str) -> str:
    """An id of the inventory, `<namespace>_<name>_<group>_<kind>`, as `Kind/name`."""
    _, name, _, kind = entry.split("_")
    return f"{kind}/{name}"
