"""Subresources of pods that act: binding to a node, eviction; logs; and what needs a kubelet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcluster import rules
from localcluster.admission.webhooks.write import CREATE, Write
from localcluster.clock import stamp
from localcluster.http.answer import Answer
from localcluster.http.body import media_type, read_body
from localcluster.http.decoding import read_object
from localcluster.http.options import WriteOptions, read_delete_options, read_write_options
from localcluster.selectors.labels import from_object
from localcluster.status import Refusal, bad_request, broken, conflict, not_implemented, success
from localcluster.verbs.deleting import delete
from localcluster.verbs.reading import get
from localcluster.verbs.updating import replace

if TYPE_CHECKING:
    from localcluster.cluster import Cluster
    from localcluster.http.exchange import Exchange
    from localcluster.store.revision import Obj
    from localcluster.verbs.call import Call

_BUDGETS = "poddisruptionbudgets.policy"
_TWO_BUDGETS = (
    "This pod has more than one PodDisruptionBudget, which the eviction subresource does not support."
)


async def _read(exchange: Exchange) -> Obj:
    body = await read_body(exchange.request)
    content = media_type(exchange.request.headers.get("Content-Type"))
    return read_object(body, content)[0]


async def serve_binding(cluster: Cluster, exchange: Exchange, call: Call) -> Answer:
    """Put a pod on a node; raises 409 where it is on one already."""
    options = read_write_options(exchange.request.query, exchange.dry_run(), "CreateOptions")
    binding = {"kind": "Binding", "apiVersion": "v1", "metadata": {}} | await _read(exchange)
    write = Write(call, CREATE, binding, None, options.as_object("CreateOptions"), options.dry_run)
    await bind(cluster, call, await cluster.admission.consult(write) or binding, options)
    await cluster.store.durable()
    return Answer(success(code=201), 201)


async def bind(cluster: Cluster, call: Call, binding: Obj, options: WriteOptions) -> None:
    target = binding.get("target") or {}
    if target.get("kind", "Node") != "Node":
        raise broken(f'Invalid value: "{target["kind"]}": must be Node')
    node = target.get("name")
    if not node:
        raise broken("target.name: Required value")
    pod = call.through("")
    revision = get(cluster.store, pod)
    old = rules.from_storage(pod.resource, revision.load())
    if old["spec"].get("nodeName"):
        why = f'pod {call.name} is already assigned to node "{old["spec"]["nodeName"]}"'
        raise conflict("pods/binding", "", call.name, why)
    if "deletionTimestamp" in old["metadata"]:
        raise conflict("pods/binding", "", call.name, f"pod {call.name} is being deleted, cannot be assigned")
    obj = rules.from_storage(pod.resource, revision.load())
    obj["spec"]["nodeName"] = node
    scheduled = {
        "type": "PodScheduled",
        "status": "True",
        "lastProbeTime": None,
        "lastTransitionTime": stamp(),
    }
    status = obj.setdefault("status", {})
    others = [each for each in status.get("conditions") or () if each["type"] != "PodScheduled"]
    status["conditions"] = [*others, scheduled]
    acting = call.through("binding")
    await replace(cluster.store, cluster.admission.within, acting, (revision, old), obj, options)


async def serve_eviction(cluster: Cluster, exchange: Exchange, call: Call) -> Answer:
    """Delete a pod unless a disruption budget forbids it (429)."""
    eviction = await _read(exchange)
    if (eviction.get("metadata") or {}).get("name", call.name) != call.name:
        raise bad_request("name in URL does not match name in Eviction object")
    options = read_delete_options(exchange.request.query, exchange.dry_run(), eviction.get("deleteOptions"))
    eviction = {"kind": "Eviction", "apiVersion": "policy/v1", "metadata": {}} | eviction
    sent = WriteOptions(options.dry_run, "", "Warn").as_object("CreateOptions")
    await cluster.admission.consult(Write(call, CREATE, eviction, None, sent, options.dry_run))
    pod = call.through("")
    revision = get(cluster.store, pod)
    _spend_budget(cluster, pod, revision.load(), dry_run=options.dry_run)
    await delete(cluster.store, cluster.admission.within, pod, options)
    await cluster.store.durable()
    return Answer(success(code=201), 201)


def _spend_budget(cluster: Cluster, call: Call, pod: Obj, *, dry_run: bool) -> None:
    """Take one disruption from the budget that guards the pod; raise 429 where none is left."""
    running = (pod.get("status") or {}).get("phase") not in ("Succeeded", "Failed", "Pending")
    if not running or "deletionTimestamp" in pod["metadata"]:
        return
    labels = pod["metadata"].get("labels") or {}
    guards = []
    for revision in cluster.store.snapshot(_BUDGETS, call.namespace):
        budget = revision.load()
        if from_object(budget["spec"].get("selector") or {}).matches(labels):
            guards.append(budget)
    if len(guards) > 1:
        raise broken(_TWO_BUDGETS)
    for budget in guards:
        status = budget.setdefault("status", {})
        left = status.get("disruptionsAllowed", 0)
        if left <= 0:
            raise _too_many(budget)
        if not dry_run:
            status["disruptionsAllowed"] = left - 1
            cluster.store.put(_BUDGETS, (call.namespace, budget["metadata"]["name"]), budget)


def _too_many(budget: Obj) -> Refusal:
    name, status = budget["metadata"]["name"], budget["status"]
    wanted, present = status.get("desiredHealthy", 0), status.get("currentHealthy", 0)
    needs = f"needs {wanted} healthy pods and has {present} currently"
    cause = {"reason": "DisruptionBudget", "message": f"The disruption budget {name} {needs}"}
    message = "Cannot evict pod as it would violate the pod's disruption budget."
    return Refusal(429, "TooManyRequests", message, {"causes": [cause]})


async def serve_log(cluster: Cluster, exchange: Exchange, call: Call) -> Answer:
    """Nothing runs here, so nothing is logged."""
    del exchange
    get(cluster.store, call)
    return Answer("", content_type="text/plain")


async def serve_unavailable(cluster: Cluster, exchange: Exchange, call: Call) -> Answer:
    """exec, attach, portforward and proxy need a kubelet: 501."""
    del cluster, exchange
    raise not_implemented(f"{call.resource.plural}/{call.subresource}")
