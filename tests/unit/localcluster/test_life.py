"""How objects, definitions, namespaces and owners live and end."""

import asyncio

from localcluster.housekeeping import lost_pods
from localcluster.inprocess import InProcess
from tests.fakes.localcluster_server import APPLY, MERGE, TOKEN, RunningCluster, config_map, definition

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
WIDGETS = "/apis/example.com/v1/namespaces/default/widgets"


def _widget(name: str, **spec: int) -> dict:
    return {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": name}, "spec": spec}


async def test_an_applied_object_is_written_once(cluster: RunningCluster) -> None:
    path = f"{CONFIG_MAPS}/a?fieldManager=m"
    first = await cluster.request("PATCH", path, config_map("a", x="1"), content=APPLY)
    again = await cluster.request("PATCH", path, config_map("a", x="1"), content=APPLY)
    assert (first.status, again.status) == (201, 200)
    assert first.body == again.body
    taken = await cluster.request(
        "PATCH", f"{CONFIG_MAPS}/a?fieldManager=n", config_map("a", x="2"), content=APPLY
    )
    assert (taken.status, taken.body["reason"]) == (409, "Conflict")


async def test_a_kind_is_served_from_its_definition_to_its_end(cluster: RunningCluster) -> None:
    assert (await cluster.request("POST", DEFINITIONS, definition())).status == 201
    await cluster.until(WIDGETS)
    assert (await cluster.request("POST", WIDGETS, _widget("w", size=1))).status == 201
    status = {"status": {"phase": "Busy"}}
    await cluster.request("PATCH", f"{WIDGETS}/w/status", status, content=MERGE)
    stored = (await cluster.request("GET", f"{WIDGETS}/w")).body
    assert (stored["spec"], stored["status"]) == ({"size": 1}, {"phase": "Busy"})
    assert stored["metadata"]["generation"] == 1
    await cluster.request("DELETE", f"{DEFINITIONS}/widgets.example.com")
    await cluster.until(f"{DEFINITIONS}/widgets.example.com", status=404)
    assert (await cluster.request("GET", WIDGETS)).status == 404


async def test_a_watch_of_a_kind_ends_with_it(cluster: RunningCluster) -> None:
    await cluster.request("POST", DEFINITIONS, definition())
    await cluster.until(WIDGETS)
    await cluster.request("POST", WIDGETS, _widget("w"))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with cluster.session.get(f"{cluster.url}{WIDGETS}?watch=1", headers=headers) as watch:
        assert b'"ADDED"' in await watch.content.readline()
        await cluster.request("DELETE", f"{DEFINITIONS}/widgets.example.com")
        async with asyncio.timeout(5):
            rest = await watch.content.read()
    assert b'"DELETED"' in rest


async def test_a_watch_of_a_kind_ends_when_the_kind_changes(cluster: RunningCluster) -> None:
    await cluster.request("POST", DEFINITIONS, definition())
    await cluster.until(WIDGETS)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with cluster.session.get(f"{cluster.url}{WIDGETS}?watch=1", headers=headers) as watch:
        changed = {"spec": {"names": {"shortNames": ["wd"]}}}
        await cluster.request("PATCH", f"{DEFINITIONS}/widgets.example.com", changed, content=MERGE)
        async with asyncio.timeout(5):
            assert await watch.content.read() == b""


async def test_what_only_a_webhook_could_convert_is_refused(cluster: RunningCluster) -> None:
    two = definition()
    stored = two["spec"]["versions"][0]
    two["spec"]["versions"].append({**stored, "name": "v2", "storage": False})
    webhook = {"conversionReviewVersions": ["v1"], "clientConfig": {"url": "https://127.0.0.1:1/"}}
    two["spec"]["conversion"] = {"strategy": "Webhook", "webhook": webhook}
    made = await cluster.request("POST", DEFINITIONS, two)
    assert made.status == 201, made.body
    await cluster.until(WIDGETS)
    assert (await cluster.request("POST", WIDGETS, _widget("w"))).status == 201
    refused = await cluster.request("GET", WIDGETS.replace("/v1/", "/v2/"))
    assert (refused.status, refused.body["reason"]) == (501, "NotImplemented")


async def test_each_group_and_version_has_its_api_service(cluster: RunningCluster) -> None:
    path = "/apis/apiregistration.k8s.io/v1/apiservices"
    await cluster.until(f"{path}/v1.apps")
    await cluster.request("POST", DEFINITIONS, definition())
    made = (await cluster.until(f"{path}/v1.example.com")).body
    assert made["spec"]["groupPriorityMinimum"] == 1000
    assert made["status"]["conditions"][0]["reason"] == "Local"
    await cluster.request("DELETE", f"{DEFINITIONS}/widgets.example.com")
    await cluster.until(f"{path}/v1.example.com", status=404)
    assert (await cluster.request("GET", f"{path}/v1.")).status == 200


async def test_a_kind_that_is_going_takes_no_new_objects(cluster: RunningCluster) -> None:
    await cluster.request("POST", DEFINITIONS, definition())
    await cluster.until(WIDGETS)
    held = _widget("held")
    held["metadata"]["finalizers"] = ["example.com/hold"]
    await cluster.request("POST", WIDGETS, held)
    await cluster.request("DELETE", f"{DEFINITIONS}/widgets.example.com")
    refused = await cluster.request("POST", WIDGETS, _widget("late"))
    assert (refused.status, refused.body["reason"]) == (405, "MethodNotAllowed")
    conditions = (await cluster.request("GET", f"{DEFINITIONS}/widgets.example.com")).body["status"][
        "conditions"
    ]
    assert conditions[-1]["reason"] == "InstanceDeletionInProgress"
    await cluster.request("PATCH", f"{WIDGETS}/held", {"metadata": {"finalizers": None}}, content=MERGE)
    await cluster.until(f"{DEFINITIONS}/widgets.example.com", status=404)


async def test_of_two_definitions_that_want_a_name_the_second_waits(cluster: RunningCluster) -> None:
    await cluster.request("POST", DEFINITIONS, definition())
    await cluster.until(WIDGETS)
    second = definition()
    second["metadata"]["name"] = "gadgets.example.com"
    second["spec"]["names"] = {"plural": "gadgets", "singular": "widget", "kind": "Gadget"}
    assert (await cluster.request("POST", DEFINITIONS, second)).status == 201
    status = (await cluster.request("GET", f"{DEFINITIONS}/gadgets.example.com")).body["status"]
    named = {each["type"]: (each["status"], each["reason"]) for each in status["conditions"]}
    assert named["NamesAccepted"] == ("False", "SingularConflict")
    assert (await cluster.request("GET", WIDGETS.replace("widgets", "gadgets"))).status == 404


async def test_a_namespace_takes_its_contents_along(cluster: RunningCluster) -> None:
    await cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}})
    await cluster.until("/api/v1/namespaces/team/serviceaccounts/default")
    await cluster.until("/api/v1/namespaces/team/configmaps/kube-root-ca.crt")
    await cluster.request("POST", "/api/v1/namespaces/team/configmaps", config_map("a"))
    await cluster.request("DELETE", "/api/v1/namespaces/team")
    await cluster.until("/api/v1/namespaces/team", status=404)
    left = await cluster.request("GET", "/api/v1/configmaps?fieldSelector=metadata.namespace=team")
    assert left.body["items"] == []


async def test_dependents_follow_their_owner(cluster: RunningCluster) -> None:
    owner = (await cluster.request("POST", CONFIG_MAPS, config_map("owner"))).body
    child = config_map("child")
    reference = {"apiVersion": "v1", "kind": "ConfigMap", "name": "owner", "uid": owner["metadata"]["uid"]}
    child["metadata"]["ownerReferences"] = [reference]
    await cluster.request("POST", CONFIG_MAPS, child)
    await cluster.request("DELETE", f"{CONFIG_MAPS}/owner")
    await cluster.until(f"{CONFIG_MAPS}/child", status=404)


async def test_a_dependent_of_nobody_is_collected(cluster: RunningCluster) -> None:
    child = config_map("child")
    uid = "00000000-0000-4000-8000-000000000001"
    child["metadata"]["ownerReferences"] = [
        {"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": uid}
    ]
    await cluster.request("POST", CONFIG_MAPS, child)
    await cluster.until(f"{CONFIG_MAPS}/child", status=404)


async def test_a_claim_in_use_stays_until_its_pod_has_gone(cluster: RunningCluster) -> None:
    claims, pods = "/api/v1/namespaces/default/persistentvolumeclaims", "/api/v1/namespaces/default/pods"
    await cluster.until("/api/v1/namespaces/default/serviceaccounts/default")
    spec = {
        "accessModes": ["ReadWriteOnce"],
        "resources": {"requests": {"storage": "1Gi"}},
        "storageClassName": "",
    }
    await cluster.request("POST", claims, {"metadata": {"name": "data"}, "spec": spec})
    volume = {"name": "v", "persistentVolumeClaim": {"claimName": "data"}}
    pod = {"schedulerName": "nobody", "containers": [{"name": "c", "image": "i"}], "volumes": [volume]}
    made = await cluster.request("POST", pods, {"metadata": {"name": "p"}, "spec": pod})
    assert made.status == 201, made.body
    await cluster.request("DELETE", f"{claims}/data")
    assert (await cluster.request("GET", f"{claims}/data")).body["metadata"]["deletionTimestamp"]
    await cluster.request("DELETE", f"{pods}/p")
    await cluster.until(f"{claims}/data", status=404)


async def test_a_pod_on_a_node_that_never_was_goes_in_the_end(cluster: RunningCluster, monkeypatch) -> None:
    monkeypatch.setattr(lost_pods, "QUARANTINE_SECONDS", 0.1)
    pods = "/api/v1/namespaces/default/pods"
    await cluster.until("/api/v1/namespaces/default/serviceaccounts/default")
    spec = {
        "nodeName": "nowhere",
        "terminationGracePeriodSeconds": 1,
        "containers": [{"name": "c", "image": "i"}],
    }
    await cluster.request("POST", pods, {"metadata": {"name": "p"}, "spec": spec})
    await cluster.request("DELETE", f"{pods}/p")
    assert (await cluster.request("GET", f"{pods}/p")).status == 200
    await cluster.until(f"{pods}/p", status=404)


async def test_a_token_secret_is_filled_and_authenticates(cluster: RunningCluster) -> None:
    import base64

    secrets = "/api/v1/namespaces/default/secrets"
    annotations = {"kubernetes.io/service-account.name": "default"}
    await cluster.until("/api/v1/namespaces/default/serviceaccounts/default")
    secret = {
        "metadata": {"name": "t", "annotations": annotations},
        "type": "kubernetes.io/service-account-token",
    }
    assert (await cluster.request("POST", secrets, secret)).status == 201
    data = (await cluster.until(f"{secrets}/t")).body["data"]
    token = base64.b64decode(data["token"]).decode()
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
    me = (await cluster.request("POST", path, review, token=token)).body
    assert me["status"]["userInfo"]["username"] == "system:serviceaccount:default:default"
    await cluster.request("DELETE", f"{secrets}/t")
    assert (await cluster.request("POST", path, review, token=token)).status == 401


async def test_controllers_inside_the_process_use_the_same_rules(cluster: RunningCluster) -> None:
    api = InProcess(cluster.server.cluster)
    made = await api.create(config_map("a", x="1") | {"metadata": {"name": "a", "namespace": "default"}})
    assert made["metadata"]["managedFields"][0]["manager"] == "kube-controller-manager"
    assert "a" in [each["metadata"]["name"] for each in await api.list("v1", "ConfigMap", "default")]
    async for event in api.watch("v1", "ConfigMap"):
        assert event.type == "ADDED"
        break
    await api.delete("v1", "ConfigMap", "a", "default")
    await api.delete("v1", "ConfigMap", "a", "default")
    assert await api.get("v1", "ConfigMap", "a", "default") is None
