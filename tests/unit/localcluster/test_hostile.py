"""Requests that are broken, too big, or up to no good: real status codes and a server that goes on."""

import asyncio

import pytest

from tests.fakes.localcluster_server import APPLY, MERGE, TOKEN, RunningCluster, config_map

CONFIG_MAPS = "/api/v1/namespaces/default/configmaps"
DEEP = b'{"a":' * 2000 + b"1" + b"}" * 2000

BODIES = {
    "broken JSON": ("POST", "application/json", b"{", 400),
    "a list": ("POST", "application/json", b"[]", 400),
    "nothing": ("POST", "application/json", b"", 400),
    "too deep": ("POST", "application/json", DEEP, 400),
    "not UTF-8": ("POST", "application/json", b'{"a":"\xff"}', 400),
    "metadata is text": ("POST", "application/json", b'{"metadata":"x"}', 400),
    "a name is a number": ("POST", "application/json", b'{"metadata":{"name":1}}', 400),
    "labels are a list": ("POST", "application/json", b'{"metadata":{"name":"x","labels":[]}}', 400),
    "aliases without end": ("POST", "application/yaml", b"a: &a [*a]", 400),
    "a tag": ("POST", "application/yaml", b"!!python/object/apply:os.system [true]", 400),
    "two documents": ("POST", "application/yaml", b"a: 1\n---\nb: 2", 400),
    "a form": ("POST", "application/x-www-form-urlencoded", b"a=b", 415),
    "broken protobuf": ("POST", "application/vnd.kubernetes.protobuf", b"k8s\x00\xff\xff\xff", 400),
    "over the limit": ("POST", "application/json", b" " * (3 * 1024 * 1024 + 1), 413),
}


@pytest.mark.parametrize(("method", "content", "body", "status"), BODIES.values(), ids=BODIES)
async def test_a_bad_body_is_refused(cluster: RunningCluster, method, content, body, status) -> None:
    reply = await cluster.request(method, CONFIG_MAPS, body, content=content)
    assert reply.status == status, reply.body
    assert reply.body["kind"] == "Status"
    assert (await cluster.request("GET", "/healthz")).status == 200


PATHS = {
    "dots": ("GET", "/api/v1/namespaces/../namespaces", 404),
    "escaped dots": ("GET", "/api/v1/namespaces/%2e%2e/configmaps", 404),
    "two slashes": ("GET", "//api/v1/namespaces", 404),
    "too deep": ("GET", "/api/v1/namespaces/default/configmaps/a/b/c/d", 404),
    "escaped nothing": ("GET", "/api/v1/namespaces/default/configmaps/%00", 404),
    "an unknown verb": ("TRACE", CONFIG_MAPS, 405),
    "no verb at all": ("BREW", CONFIG_MAPS, 400),
    "an unknown page": ("GET", "/nosuch", 404),
    "a broken number": ("GET", f"{CONFIG_MAPS}?limit=many", 400),
    "a broken token": ("GET", f"{CONFIG_MAPS}?continue=%FF", 400),
    "exec": ("POST", "/api/v1/namespaces/default/pods/p/exec", 501),
}


@pytest.mark.parametrize(("method", "path", "status"), PATHS.values(), ids=PATHS)
async def test_path_tricks_lead_nowhere(cluster: RunningCluster, method, path, status) -> None:
    host, port = cluster.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    request = (
        f"{method} {path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n\r\n"
    )
    writer.write(request.encode())
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert int(answer.split()[1]) == status, answer[:400]


async def test_a_list_that_names_impossible_versions_is_refused(cluster: RunningCluster) -> None:
    far = await cluster.request("GET", f"{CONFIG_MAPS}?resourceVersion=99999999")
    assert (far.status, far.body["reason"]) == (504, "Timeout")
    old = await cluster.request("GET", f"{CONFIG_MAPS}?resourceVersion=1&resourceVersionMatch=Exact")
    assert (old.status, old.body["reason"]) == (410, "Expired")


PATCHES = {
    "json patch without end": ("application/json-patch+json", b"[" + b'{"op":"test"},' * 20000 + b"{}]", 413),
    "merge patch of text": (MERGE, b'"text"', 400),
    "apply of a list": (APPLY, b"- a", 400),
    "apply without kind": (APPLY, b"metadata: {name: there}", 400),
}


@pytest.mark.parametrize(("content", "body", "status"), PATCHES.values(), ids=PATCHES)
async def test_a_bad_patch_is_refused(cluster: RunningCluster, content, body, status) -> None:
    await cluster.request("POST", CONFIG_MAPS, config_map("there"))
    reply = await cluster.request("PATCH", f"{CONFIG_MAPS}/there?fieldManager=m", body, content=content)
    assert reply.status == status, reply.body


async def test_who_has_no_token_may_not_ask(cluster: RunningCluster) -> None:
    assert (await cluster.request("GET", CONFIG_MAPS, token=None)).status == 403
    assert (await cluster.request("GET", CONFIG_MAPS, token="x.y.z")).status == 401
    assert (await cluster.request("GET", "/version", token=None)).status == 200


async def test_a_user_agent_given_twice_is_read_once(cluster: RunningCluster) -> None:
    host, port = cluster.url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    body = b'{"metadata":{"name":"twice"},"data":{"text":"\\r\\nUser-Agent: kept"}}'
    head = (
        f"POST {CONFIG_MAPS} HTTP/1.1\r\nHost: x\r\nUser-Agent: first/1\r\nUser-Agent: second/1\r\n"
        f"Authorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    writer.write(head.encode() + body)
    async with asyncio.timeout(5):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.startswith(b"HTTP/1.1 201")
    stored = (await cluster.request("GET", f"{CONFIG_MAPS}/twice")).body
    assert stored["data"]["text"] == "\r\nUser-Agent: kept"
    assert [entry["manager"] for entry in stored["metadata"]["managedFields"]] == ["first"]
