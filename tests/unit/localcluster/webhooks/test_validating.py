"""Validating webhooks, called over HTTPS: what they are asked, and what their answers do."""

import asyncio
import base64

import pytest

from tests.fakes.localcluster_server import APPLY, MERGE, RunningCluster, config_map, definition
from tests.fakes.webhook_server import WebhookServer, allow, denying
from tests.unit.localcluster.webhooks.manifests import CONFIG_MAPS, configure, rule, webhook


async def test_a_webhook_is_asked_about_each_write(cluster: RunningCluster, hook: WebhookServer) -> None:
    await configure(cluster, "Validating", webhook(hook.on("/v", allow)))
    await cluster.request("POST", f"{CONFIG_MAPS}?fieldManager=m", config_map("a", x="1"))
    await cluster.request("PATCH", f"{CONFIG_MAPS}/a", {"data": {"x": "2"}}, content=MERGE)
    await cluster.request("DELETE", f"{CONFIG_MAPS}/a")
    created, updated, deleted = hook.reviews
    assert hook.paths[0] == "/v?timeout=10s"
    assert created["operation"], created["name"] == ("CREATE", "a")
    assert created["namespace"] == "default"
    assert created["kind"] == created["requestKind"] == {"group": "", "version": "v1", "kind": "ConfigMap"}
    assert created["resource"] == {"group": "", "version": "v1", "resource": "configmaps"}
    assert created["userInfo"]["groups"] == ["system:masters", "system:authenticated"]
    assert created["object"]["data"] == {"x": "1"}
    assert created["object"]["metadata"]["uid"]
    assert (created["oldObject"], created["dryRun"]) == (None, False)
    assert created["options"] == {
        "kind": "CreateOptions",
        "apiVersion": "meta.k8s.io/v1",
        "fieldManager": "m",
    }
    assert (updated["operation"], updated["options"]["kind"]) == ("UPDATE", "UpdateOptions")
    assert (updated["oldObject"]["data"], updated["object"]["data"]) == ({"x": "1"}, {"x": "2"})
    assert (deleted["operation"], deleted["object"]) == ("DELETE", None)
    assert deleted["oldObject"]["data"] == {"x": "2"}


@pytest.mark.parametrize(
    ("status", "told"),
    [
        pytest.param(
            {"code": 403, "message": "no", "reason": "Forbidden"}, (403, "Forbidden", ": no"), id="all said"
        ),
        pytest.param({"message": "no"}, (400, None, ": no"), id="a message alone"),
        pytest.param({"reason": "Because"}, (400, "Because", ": Because"), id="a reason alone"),
        pytest.param({}, (400, None, " without explanation"), id="nothing said"),
        pytest.param({"code": 200, "message": "no"}, (400, None, ": no"), id="a code of success"),
        pytest.param({"code": 99999, "message": "no"}, (400, None, ": no"), id="no code of HTTP"),
    ],
)
async def test_a_denial_is_told_in_the_webhooks_words(
    cluster: RunningCluster, hook: WebhookServer, status: dict, told: tuple[int, str | None, str]
) -> None:
    code, reason, message = told
    await configure(cluster, "Validating", webhook(hook.on("/v", denying(**status))))
    refused = await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    assert refused.status == refused.body["code"] == code
    assert refused.body["message"] == f'admission webhook "a.example.com" denied the request{message}'
    assert refused.body.get("reason") == reason
    assert (await cluster.request("GET", f"{CONFIG_MAPS}/a")).status == 404


async def test_a_denied_deletion_deletes_nothing(cluster: RunningCluster, hook: WebhookServer) -> None:
    await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    deletions = rule(operations=["DELETE"])
    await configure(cluster, "Validating", webhook(hook.on("/v", denying(message="no")), rules=[deletions]))
    assert (await cluster.request("DELETE", f"{CONFIG_MAPS}/a")).status == 400
    assert (await cluster.request("DELETE", f"{CONFIG_MAPS}?fieldSelector=metadata.name=a")).status == 400
    assert (await cluster.request("GET", f"{CONFIG_MAPS}/a")).status == 200


async def test_warnings_reach_the_client(cluster: RunningCluster, hook: WebhookServer) -> None:
    client = hook.on("/v", lambda _: {"allowed": True, "warnings": ["careful"]})
    await configure(cluster, "Validating", webhook(client))
    made = await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    assert (made.status, made.headers["Warning"]) == (201, '299 - "careful"')


@pytest.mark.parametrize(
    ("response", "why"),
    [
        pytest.param({"raw": b"{"}, "received invalid webhook response: couldn't parse", id="no JSON"),
        pytest.param({"raw": b"[]"}, "received invalid webhook response: the response is not", id="a list"),
        pytest.param(
            {"raw": b"{}"}, "received invalid webhook response: webhook response was absent", id="{}"
        ),
        pytest.param(
            {"allowed": True, "uid": "x"},
            "received invalid webhook response: expected response.uid=",
            id="uid",
        ),
        pytest.param(
            {"allowed": True, "patch": "W10="}, "validating webhook may not return response.patch", id="patch"
        ),
        pytest.param(
            {"raw": b"sorry", "status": 500},
            'failed to call webhook: an error on the server ("sorry") has prevented the request from succeeding',
            id="500",
        ),
        pytest.param(
            {"raw": b"", "status": 404}, "failed to call webhook: the server could not find", id="404"
        ),
        pytest.param(
            {"raw": b" " * (9 << 20)}, "failed to call webhook: the answer is longer", id="too long"
        ),
    ],
)
async def test_a_bad_answer_fails_the_write_or_not_as_the_policy_says(
    cluster: RunningCluster, hook: WebhookServer, response: dict, why: str
) -> None:
    client = hook.on("/v", lambda _: response)
    closed = webhook(client, objectSelector={"matchLabels": {"policy": "fail"}})
    opened = webhook(client, name="b.example.com", failurePolicy="Ignore")
    await configure(cluster, "Validating", closed, opened)
    labelled = config_map("a")
    labelled["metadata"]["labels"] = {"policy": "fail"}
    refused = await cluster.request("POST", CONFIG_MAPS, labelled)
    assert (refused.status, refused.body["reason"]) == (500, "InternalError")
    assert refused.body["message"].startswith(
        'Internal error occurred: failed calling webhook "a.example.com": '
    )
    assert why in refused.body["message"]
    assert (await cluster.request("POST", CONFIG_MAPS, config_map("b"))).status == 201


async def test_a_webhook_of_another_authority_is_not_believed(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    strange = base64.b64encode(cluster_authority()).decode()
    client = {**hook.on("/v", allow), "caBundle": strange}
    await configure(cluster, "Validating", webhook(client))
    refused = await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    assert refused.body["message"].endswith(
        "tls: failed to verify certificate: x509: certificate signed by unknown authority"
    )
    assert hook.reviews == []


def cluster_authority() -> bytes:
    from localcluster.certificates import make_certificates

    return make_certificates("127.0.0.1").authority


async def test_a_webhook_that_is_not_there_is_an_internal_error(
    cluster: RunningCluster, unused_tcp_port: int
) -> None:
    url = f"https://127.0.0.1:{unused_tcp_port}/v"
    await configure(cluster, "Validating", webhook({"url": url}))
    refused = await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    assert refused.body["message"] == (
        'Internal error occurred: failed calling webhook "a.example.com": failed to call webhook: '
        f'Post "{url}?timeout=10s": dial tcp 127.0.0.1:{unused_tcp_port}: connect: connection refused'
    )


async def test_a_slow_webhook_is_given_its_time_and_no_more(cluster: RunningCluster) -> None:
    async def never(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
    await configure(cluster, "Validating", webhook({"url": url}, timeoutSeconds=1))
    refused = await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    assert refused.body["message"].endswith(f'Post "{url}?timeout=1s": context deadline exceeded')
    server.close()
    await server.wait_closed()


async def test_a_service_is_reached_at_its_endpoint_on_loopback(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    hook.on("/v", allow)
    service = {"namespace": "default", "name": "hook", "path": "/v"}
    await configure(cluster, "Validating", webhook({"service": service, "caBundle": hook.authority}))
    missing = await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    assert missing.body["message"].endswith(
        'Post "https://hook.default.svc:443/v?timeout=10s": service "hook" not found'
    )
    ports = [{"port": 443, "targetPort": hook.port}]
    await cluster.request(
        "POST",
        "/api/v1/namespaces/default/services",
        {"metadata": {"name": "hook"}, "spec": {"ports": ports}},
    )
    unready = await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    assert unready.body["message"].endswith('no endpoints available for service "hook"')
    subsets = [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": hook.port}]}]
    endpoints = {"metadata": {"name": "hook"}, "subsets": subsets}
    made = await cluster.request("POST", "/api/v1/namespaces/default/endpoints", endpoints)
    assert made.status == 201, made.body
    assert (await cluster.request("POST", CONFIG_MAPS, config_map("a"))).status == 201
    assert hook.reviews[0]["name"] == "a"


async def test_all_are_asked_and_the_first_that_objects_is_heard(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    await configure(
        cluster,
        "Validating",
        webhook(hook.on("/a", allow)),
        webhook(hook.on("/b", denying(message="b")), name="b.example.com"),
        webhook(hook.on("/c", denying(message="c")), name="c.example.com"),
    )
    refused = await cluster.request("POST", CONFIG_MAPS, config_map("a"))
    assert refused.body["message"] == 'admission webhook "b.example.com" denied the request: b'
    assert sorted(path.partition("?")[0] for path in hook.paths) == ["/a", "/b", "/c"]


async def test_a_dry_run_is_told_of(cluster: RunningCluster, hook: WebhookServer) -> None:
    await configure(cluster, "Validating", webhook(hook.on("/v", allow)))
    await cluster.request("POST", f"{CONFIG_MAPS}?dryRun=All", config_map("a"))
    assert hook.reviews[0]["dryRun"] is True
    assert hook.reviews[0]["options"]["dryRun"] == ["All"]


async def test_a_broken_webhook_can_be_taken_away(cluster: RunningCluster) -> None:
    everything = rule(apiGroups=["*"], apiVersions=["*"], resources=["*/*", "*"])
    await configure(cluster, "Validating", webhook({"url": "https://127.0.0.1:1/"}, rules=[everything]))
    path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/hooks"
    assert (await cluster.request("POST", CONFIG_MAPS, config_map("a"))).status == 500
    assert (await cluster.request("DELETE", path)).status == 200
    assert (await cluster.request("POST", CONFIG_MAPS, config_map("a"))).status == 201


async def test_another_version_of_a_resource_is_shown_in_the_version_asked_for(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    events = rule(apiGroups=["events.k8s.io"], resources=["events"])
    wide = webhook(hook.on("/v", allow), rules=[events])
    narrow = webhook(hook.on("/exact", allow), name="b.example.com", rules=[events], matchPolicy="Exact")
    await configure(cluster, "Validating", wide, narrow)
    event = {
        "metadata": {"name": "e"},
        "involvedObject": {"kind": "Pod", "name": "p", "namespace": "default"},
        "reason": "Why",
    }
    made = await cluster.request("POST", "/api/v1/namespaces/default/events", event)
    assert made.status == 201, made.body
    (review,) = [each for each in hook.reviews if each["name"] == "e"]
    assert review["kind"]["group"] == review["resource"]["group"] == "events.k8s.io"
    assert review["requestKind"]["group"] == ""
    assert review["object"]["regarding"]["name"] == "p"


async def test_a_scale_is_shown_as_a_scale(cluster: RunningCluster, hook: WebhookServer) -> None:
    scales = rule(apiGroups=["apps"], resources=["deployments/scale"])
    await configure(cluster, "Validating", webhook(hook.on("/v", denying(message="no")), rules=[scales]))
    labels = {"app": "a"}
    template = {"metadata": {"labels": labels}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": template}
    path = "/apis/apps/v1/namespaces/default/deployments"
    await cluster.request("POST", path, {"metadata": {"name": "d"}, "spec": spec})
    refused = await cluster.request("PATCH", f"{path}/d/scale", {"spec": {"replicas": 2}}, content=MERGE)
    assert refused.status == 400
    (review,) = hook.reviews
    assert (review["kind"]["kind"], review["subResource"]) == ("Scale", "scale")
    assert (review["object"]["spec"], review["oldObject"]["spec"]) == ({"replicas": 2}, {})


async def test_what_was_written_meanwhile_is_not_overwritten(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    await cluster.request("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition())
    path = "/apis/example.com/v1/namespaces/default/widgets"
    await cluster.until(path)
    widget = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {}}
    await cluster.request("POST", path, widget)
    store = cluster.server.cluster.store

    def write_meanwhile(request: dict) -> dict:
        if len(hook.reviews) == 1:
            present = store.find("widgets.example.com", ("default", "w"))
            assert present is not None
            obj = present.load()
            obj["spec"] = {"b": 2}
            store.put("widgets.example.com", ("default", "w"), obj)
        return {"allowed": True}

    widgets = rule(apiGroups=["example.com"], resources=["widgets"])
    await configure(cluster, "Validating", webhook(hook.on("/v", write_meanwhile), rules=[widgets]))
    changed = await cluster.request("PATCH", f"{path}/w", {"spec": {"a": 1}}, content=MERGE)
    assert (changed.status, changed.body["spec"]) == (200, {"a": 1, "b": 2})
    assert len(hook.reviews) == 2


async def test_a_namespace_that_goes_meanwhile_takes_nothing_new(
    cluster: RunningCluster, hook: WebhookServer
) -> None:
    await cluster.request("POST", "/api/v1/namespaces", {"metadata": {"name": "team"}})
    store = cluster.server.cluster.store

    def drop(request: dict) -> dict:
        if store.find("namespaces", ("", "team")) is not None:
            store.delete("namespaces", ("", "team"))
        return {"allowed": True}

    await configure(cluster, "Validating", webhook(hook.on("/v", drop)))
    path = "/api/v1/namespaces/team/configmaps"
    made = await cluster.request("PATCH", f"{path}/a?fieldManager=m", config_map("a"), content=APPLY)
    assert (made.status, made.body["message"]) == (404, 'namespaces "team" not found')
