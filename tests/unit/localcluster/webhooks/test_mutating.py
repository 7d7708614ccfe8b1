"""Mutating webhooks: in turn, each on what the one before has made, and once more where that is asked."""

from tests.fakes.localcluster_server import APPLY, RunningCluster, config_map, definition
from tests.fakes.webhook_server import WebhookServer, allow, patching
from tests.unit.localcluster.webhooks.manifests import CONFIG_MAPS, configure, rule, webhook


def _adding(key: str, value: str) -> dict:
    return {"op": "add", "path": f"/data/{key}", "value": value}


async def test_webhooks_change_an_object_in_the_order_of_their_configurations(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    second = webhook(hook.on("/second", patching(_adding("x", "second"))))
    first = webhook(hook.on("/first", patching(_adding("x", "first"), _adding("y", "first"))))
    await configure(cluster, "Mutating", second, name="b")
    await configure(cluster, "Mutating", first, name="a")
    made = await cluster.request("POST", CONFIG_MAPS, config_map("a", z="0"))
    assert made.body["data"] == {"z": "0", "x": "second", "y": "first"}
    assert [path.partition("?")[0] for path in hook.paths] == ["/first", "/second"]
    assert hook.reviews[1]["object"]["data"] == {"z": "0", "x": "first", "y": "first"}


async def test_what_a_webhook_adds_belongs_to_nobody(cluster: RunningCluster, hook: WebhookServer) -> None:
    await configure(cluster, "Mutating", webhook(hook.on("/m", patching(_adding("added", "1")))))
    path = f"{CONFIG_MAPS}/a?fieldManager=m"
    made = await cluster.request("PATCH", path, config_map("a", x="1"), content=APPLY)
    assert (made.status, made.body["data"]) == (201, {"x": "1", "added": "1"})
    (entry,) = made.body["metadata"]["managedFields"]
    assert entry["fieldsV1"] == {"f:data": {"f:x": {}}}
    again = await cluster.request("PATCH", path, config_map("a", x="1"), content=APPLY)
    assert again.body["metadata"]["resourceVersion"] == made.body["metadata"]["resourceVersion"]


async def test_a_webhook_is_asked_again_where_a_later_one_changed_the_object(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    await configure(
        cluster,
        "Mutating",
        webhook(hook.on("/again", allow), reinvocationPolicy="IfNeeded"),
        webhook(hook.on("/once", allow), name="b.example.com"),
        webhook(
            hook.on("/changing", patching(_adding("x", "1"))),
            name="c.example.com",
            reinvocationPolicy="IfNeeded",
        ),
    )
    await cluster.request("POST", CONFIG_MAPS, config_map("a", z="0"))
    assert [path.partition("?")[0] for path in hook.paths] == ["/again", "/once", "/changing", "/again"]
    assert hook.reviews[-1]["object"]["data"] == {"z": "0", "x": "1"}


async def test_validating_webhooks_see_what_mutating_ones_made(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    await configure(cluster, "Mutating", webhook(hook.on("/m", patching(_adding("x", "1")))))
    await configure(cluster, "Validating", webhook(hook.on("/v", allow)))
    await cluster.request("POST", CONFIG_MAPS, config_map("a", z="0"))
    assert hook.reviews[1]["object"]["data"] == {"z": "0", "x": "1"}


async def test_what_a_patch_leaves_out_is_defaulted(cluster: RunningCluster, hook: WebhookServer) -> None:
    await cluster.until("/api/v1/namespaces/default/serviceaccounts/default")
    sidecar = {"op": "add", "path": "/spec/containers/-", "value": {"name": "sidecar", "image": "s"}}
    pods = rule(operations=["CREATE"], resources=["pods"])
    await configure(cluster, "Mutating", webhook(hook.on("/m", patching(sidecar)), rules=[pods]))
    pod = {
        "metadata": {"name": "p"},
        "spec": {"schedulerName": "nobody", "containers": [{"name": "c", "image": "i"}]},
    }
    made = await cluster.request("POST", "/api/v1/namespaces/default/pods", pod)
    assert made.status == 201, made.body
    assert made.body["spec"]["containers"][1]["imagePullPolicy"] == "Always"


async def test_a_custom_object_is_pruned_after_the_patch(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    await cluster.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition())
    path = "/apis/example.com/v1/namespaces/default/widgets"
    await cluster.until(path)
    unknown = {"op": "add", "path": "/unknown", "value": 1}
    known = {"op": "add", "path": "/spec/size", "value": 1}
    widgets = rule(apiGroups=["example.com"], resources=["*"])
    await configure(cluster, "Mutating", webhook(hook.on("/m", patching(unknown, known)), rules=[widgets]))
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {}}
    made = (await cluster.request("POST", path, widget)).body
    assert (made["spec"], "unknown" in made) == ({"size": 1}, False)


async def test_what_a_webhook_made_is_validated(cluster: RunningCluster, hook: WebhookServer) -> None:
    await configure(cluster, "Mutating", webhook(hook.on("/m", patching(_adding("not~1valid", "1")))))
    refused = await cluster.request("POST", CONFIG_MAPS, config_map("a", z="0"))
    assert (refused.status, refused.body["reason"]) == (422, "Invalid")


async def test_a_patch_that_does_not_fit_is_an_internal_error(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    removal = {"op": "remove", "path": "/data/nothing"}
    await configure(cluster, "Mutating", webhook(hook.on("/m", patching(removal))))
    refused = await cluster.request("POST", CONFIG_MAPS, config_map("a", z="0"))
    assert (refused.status, refused.body["reason"]) == (500, "InternalError")
    assert 'patch of admission webhook "a.example.com" does not apply' in refused.body["message"]


async def test_a_deletion_can_not_be_patched(cluster: RunningCluster, hook: WebhookServer) -> None:
    await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    await configure(cluster, "Mutating", webhook(hook.on("/m", patching(_adding("x", "1")))))
    refused = await cluster.request("DELETE", f"{CONFIG_MAPS}/a")
    assert refused.status == 500
    assert "attempted to modify the object, which is not supported" in refused.body["message"]
