"""Which webhooks are asked about which writes."""

from typing import Any

import pytest

from localcluster.admission.webhooks.configuration import parse_webhook
from localcluster.admission.webhooks.matching import asked_by, conditions_hold
from localcluster.admission.webhooks.write import Write
from localcluster.auth.users import ADMIN
from localcluster.resources.registry import Registry
from localcluster.status import Refusal
from localcluster.store.store import Store
from localcluster.verbs.call import Call
from tests.unit.localcluster.webhooks.manifests import rule, webhook

CLIENT = {"url": "https://127.0.0.1/"}
REGISTRY = Registry()


def _store() -> Store:
    store = Store()
    for name, labels in (("red", {"team": "red"}), ("blue", {"team": "blue"})):
        store.put("namespaces", ("", name), {"metadata": {"name": name, "labels": labels}})
    return store


def _write(
    plural: str = "configmaps", namespace: str = "red", operation: str = "CREATE", **obj: Any
) -> Write:
    group, _, name = plural.rpartition("/")
    name, _, subresource = name.partition(":")
    version = "v2" if name.startswith("horizontal") else "v1"
    resource = REGISTRY.find(group, version, name)
    assert resource is not None
    call = Call(resource, ADMIN, namespace if resource.namespaced else "", "a", subresource)
    made = {"apiVersion": resource.api_version, "kind": resource.kind, "metadata": {"name": "a", **obj}}
    return Write(call, operation, made, None, {}, dry_run=False)


def _asked(write: Write, **fields: Any) -> str | None:
    hook = parse_webhook(webhook(CLIENT, **{"objectSelector": {}, **fields}))
    asked = asked_by(hook, write, _store(), REGISTRY)
    return None if asked is None else asked.resource.api_version


ALL = {"apiGroups": ["*"], "apiVersions": ["*"]}


@pytest.mark.parametrize(
    ("rules", "write", "asked"),
    [
        pytest.param([rule()], _write(), True, id="the resource"),
        pytest.param([rule(resources=["secrets"])], _write(), False, id="another resource"),
        pytest.param([rule(), rule(resources=["secrets"])], _write(), True, id="any rule is enough"),
        pytest.param([rule(operations=["UPDATE"])], _write(), False, id="another operation"),
        pytest.param([rule(apiGroups=["apps"])], _write(), False, id="another group"),
        pytest.param([rule(apiVersions=["v2"])], _write(), False, id="another version"),
        pytest.param([rule(**ALL, resources=["*"])], _write(), True, id="all resources"),
        pytest.param(
            [rule(**ALL, resources=["*"])], _write("pods:status"), False, id="* has no subresources"
        ),
        pytest.param([rule(**ALL, resources=["*/*"])], _write("pods:status"), True, id="*/*"),
        pytest.param([rule(**ALL, resources=["*/*"])], _write(), True, id="*/* has the objects too"),
        pytest.param([rule(resources=["pods/*"])], _write("pods:status"), True, id="pods/*"),
        pytest.param([rule(resources=["*/status"])], _write("pods:status"), True, id="*/status"),
        pytest.param([rule(resources=["pods/log"])], _write("pods:status"), False, id="another subresource"),
        pytest.param([rule(scope="Namespaced")], _write(), True, id="namespaced"),
        pytest.param([rule(scope="Cluster")], _write(), False, id="not of the cluster"),
        pytest.param([rule(**ALL, resources=["*"], scope="Cluster")], _write("nodes"), True, id="cluster"),
        pytest.param(
            [rule(**ALL, resources=["*"], scope="Namespaced")],
            _write("namespaces"),
            False,
            id="a namespace is of the cluster",
        ),
    ],
)
def test_rules(rules: list[dict], write: Write, asked: bool) -> None:
    assert (_asked(write, rules=rules) is not None) is asked


@pytest.mark.parametrize(
    ("policy", "asked"), [("Equivalent", "autoscaling/v1"), ("Exact", None)], ids=["equivalent", "exact"]
)
def test_versions_are_equivalent_or_not(policy: str, asked: str | None) -> None:
    autoscalers = rule(apiGroups=["autoscaling"], resources=["horizontalpodautoscalers"])
    write = _write("autoscaling/horizontalpodautoscalers")
    assert _asked(write, rules=[autoscalers], matchPolicy=policy) == asked


RED = {"matchLabels": {"team": "red"}}


@pytest.mark.parametrize(
    ("write", "asked"),
    [
        pytest.param(_write(namespace="red"), True, id="in it"),
        pytest.param(_write(namespace="blue"), False, id="in another"),
        pytest.param(_write(namespace="gone"), False, id="in none"),
        pytest.param(_write("namespaces", labels={"team": "red"}), True, id="a namespace with the label"),
        pytest.param(_write("namespaces", labels={}), False, id="a namespace without"),
        pytest.param(_write("nodes"), True, id="a node has no namespace"),
    ],
)
def test_namespace_selector(write: Write, asked: bool) -> None:
    everything = rule(**ALL, resources=["*"])
    assert (_asked(write, rules=[everything], namespaceSelector=RED) is not None) is asked


@pytest.mark.parametrize(
    ("now", "before", "asked"),
    [
        pytest.param({"team": "red"}, {}, True, id="now"),
        pytest.param({}, {"team": "red"}, True, id="before"),
        pytest.param({}, {}, False, id="never"),
    ],
)
def test_object_selector(now: dict, before: dict, asked: bool) -> None:
    new, old = _write(labels=now), _write(labels=before)
    write = Write(new.call, "UPDATE", new.obj, old.obj, {}, dry_run=False)
    assert (_asked(write, objectSelector=RED) is not None) is asked


TRUE, FALSE, BROKEN = "object.metadata.name == 'a'", "request.operation == 'DELETE'", "object.nothing == 1"


@pytest.mark.parametrize(
    ("expressions", "policy", "asked"),
    [
        pytest.param([TRUE], "Fail", True, id="true"),
        pytest.param([TRUE, FALSE], "Fail", False, id="one is false"),
        pytest.param([BROKEN, FALSE], "Fail", False, id="false decides over broken"),
        pytest.param([TRUE, BROKEN], "Ignore", False, id="broken and may be ignored"),
        pytest.param(["oldObject == null"], "Fail", True, id="null"),
    ],
)
def test_match_conditions(expressions: list[str], policy: str, asked: bool) -> None:
    conditions = [{"name": f"c{at}", "expression": each} for at, each in enumerate(expressions)]
    hook = parse_webhook(webhook(CLIENT, matchConditions=conditions, failurePolicy=policy))
    write = _write()
    request = {"operation": "CREATE", "object": write.obj, "oldObject": None}
    assert conditions_hold(hook, request, write) is asked


def test_a_condition_without_a_value_refuses_the_write() -> None:
    conditions = [{"name": "c", "expression": BROKEN}]
    hook = parse_webhook(webhook(CLIENT, matchConditions=conditions, failurePolicy="Fail"))
    write = _write()
    with pytest.raises(Refusal) as refused:
        conditions_hold(hook, {"operation": "CREATE", "object": write.obj, "oldObject": None}, write)
    assert (refused.value.code, refused.value.reason) == (403, "Forbidden")
    assert "no such key: nothing" in refused.value.message
