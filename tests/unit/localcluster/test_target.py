"""What a request is about, from its path alone."""

import pytest

from localcluster.http.target import is_true, read_target

CASES = {
    "a list": ("GET", "/api/v1/namespaces/ns/pods", {}, ("list", "", "pods", "", "ns", "", True)),
    "everywhere": ("GET", "/api/v1/pods", {}, ("list", "", "pods", "", "", "", True)),
    "one object": ("GET", "/api/v1/namespaces/ns/pods/p", {}, ("get", "", "pods", "", "ns", "p", False)),
    "a namespace": (
        "DELETE",
        "/api/v1/namespaces/ns",
        {},
        ("delete", "", "namespaces", "", "ns", "ns", False),
    ),
    "its status": (
        "PUT",
        "/api/v1/namespaces/ns/status",
        {},
        ("update", "", "namespaces", "status", "ns", "ns", False),
    ),
    "a subresource": (
        "PATCH",
        "/apis/apps/v1/namespaces/ns/deployments/d/scale",
        {},
        ("patch", "apps", "deployments", "scale", "ns", "d", False),
    ),
    "a watch": (
        "GET",
        "/apis/apps/v1/deployments",
        {"watch": "1"},
        ("watch", "apps", "deployments", "", "", "", True),
    ),
    "a watch of one name": (
        "GET",
        "/api/v1/namespaces/ns/secrets",
        {"watch": "true", "fieldSelector": "metadata.name=s"},
        ("watch", "", "secrets", "", "ns", "s", True),
    ),
    "no watch on an object": (
        "GET",
        "/api/v1/namespaces/ns/secrets/s",
        {"watch": "true"},
        ("get", "", "secrets", "", "ns", "s", False),
    ),
    "a collection's end": (
        "DELETE",
        "/api/v1/namespaces/ns/secrets",
        {},
        ("deletecollection", "", "secrets", "", "ns", "", True),
    ),
    "an escaped name": (
        "GET",
        "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Adiscovery",
        {},
        ("get", "rbac.authorization.k8s.io", "clusterroles", "", "", "system:discovery", False),
    ),
}


@pytest.mark.parametrize(("method", "path", "query", "expected"), CASES.values(), ids=CASES)
def test_a_path_says_what_it_is_about(method, path, query, expected) -> None:
    target = read_target(method, path, query)
    assert target.is_resource
    found = (target.verb, target.group, target.resource, target.subresource, target.namespace, target.name)
    assert (*found, target.whole) == expected


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/version",
        "/api",
        "/api/v1",
        "/apis/apps/v1",
        "/api/v1//pods",
        "/api/v1/../v1/pods",
        "//api/v1/pods",
    ],
)
def test_what_is_no_resource_is_a_page(path) -> None:
    assert not read_target("GET", path, {}).is_resource


@pytest.mark.parametrize(
    ("text", "yes"), [(None, False), ("", True), ("0", False), ("false", False), ("no", True)]
)
def test_a_parameter_says_yes_by_being_there(text, yes) -> None:
    assert is_true(text) is yes
