"""Decoding of built-in kinds, defaults included."""

import pytest

from localcluster.objects.decode import NotDecodable, StrictDecodingError, check_fields
from localcluster.objects.defaults import apply_defaults
from localcluster.objects.schema import builtin, builtin_kinds
from localcluster.objects.zero import zero_object


def decoded(obj, directive="Warn", duplicates=()):
    group, _, version = obj["apiVersion"].rpartition("/")
    return check_fields(obj, builtin(group, version, obj["kind"]), duplicates, directive)


def kind(version, name, **rest):
    return {"apiVersion": version, "kind": name, "metadata": {"name": "a"}, **rest}


def defaulted(obj):
    return apply_defaults(decoded(obj).obj)


def test_unknown_fields_are_dropped_and_told():
    found = decoded(kind("v1", "ConfigMap", data={"x": "y"}, extra={"a": 1}, Data={}))
    assert found.obj == kind("v1", "ConfigMap", data={"x": "y"})
    assert found.warnings == ('unknown field "extra"', 'unknown field "Data"')


def test_unknown_fields_in_lists_are_told_with_their_place():
    pod = kind("v1", "Pod", spec={"containers": [{"name": "a"}, {"name": "b", "imagee": "x"}]})
    assert decoded(pod).warnings == ('unknown field "spec.containers[1].imagee"',)


def test_strict_decoding_refuses_unknown_and_repeated_fields_together():
    with pytest.raises(StrictDecodingError) as caught:
        decoded(kind("v1", "ConfigMap", extra=1), "Strict", ('duplicate field "data"',))
    assert str(caught.value) == (
        'ConfigMap in version "v1" cannot be handled as a ConfigMap: strict decoding error: '
        'duplicate field "data", unknown field "extra"'
    )


def test_ignored_complaints_are_not_told():
    assert decoded(kind("v1", "ConfigMap", extra=1), "Ignore").warnings == ()


@pytest.mark.parametrize(
    "obj",
    {
        "text for a number": kind("apps/v1", "Deployment", spec={"replicas": "3"}),
        "a list for a map": kind("v1", "ConfigMap", data=["x"]),
        "a map for a list": kind("v1", "Service", spec={"ports": {"port": 80}}),
        "a number for text": kind("v1", "ConfigMap", data={"x": 1}),
        "no base64": kind("v1", "Secret", data={"x": "???"}),
        "too large for 32 bits": kind("apps/v1", "Deployment", spec={"replicas": 2**31}),
        "a fraction": kind("apps/v1", "Deployment", spec={"replicas": 1.5}),
        "true for a number": kind("apps/v1", "Deployment", spec={"replicas": True}),
        "no quantity": kind(
            "v1", "PersistentVolumeClaim", spec={"resources": {"requests": {"storage": "1X"}}}
        ),
        "no time": {**kind("v1", "ConfigMap"), "metadata": {"creationTimestamp": "today"}},
    }.items(),
    ids=lambda pair: pair[0],
)
def test_a_value_of_the_wrong_type_is_refused(obj):
    with pytest.raises(NotDecodable):
        decoded(obj[1])


def test_empty_fields_vanish_or_stay_as_the_go_type_says():
    obj = kind("apps/v1", "Deployment", spec={"paused": False, "replicas": 0, "template": {"spec": {}}})
    assert decoded({**obj, "metadata": {"name": "a", "labels": {}, "creationTimestamp": None}}).obj == {
        **kind("apps/v1", "Deployment"),
        "spec": {
            "replicas": 0,
            "selector": None,
            "strategy": {},
            "template": {"metadata": {}, "spec": {"containers": None}},
        },
        "status": {},
    }


def test_null_in_a_map_of_text_is_empty_text():
    assert decoded(kind("v1", "ConfigMap", data={"a": None})).obj["data"] == {"a": ""}


def test_times_and_quantities_are_written_in_one_form():
    obj = kind("v1", "ConfigMap")
    obj["metadata"]["deletionTimestamp"] = "2024-05-06T09:08:09.123+02:00"
    assert decoded(obj).obj["metadata"]["deletionTimestamp"] == "2024-05-06T07:08:09Z"
    lease = kind("coordination.k8s.io/v1", "Lease", spec={"renewTime": "2024-05-06T09:08:09.500000+02:00"})
    assert decoded(lease).obj["spec"]["renewTime"] == "2024-05-06T07:08:09.500000Z"


@pytest.mark.parametrize(
    "name", [(g, v, k) for g, v, k in builtin_kinds() if not k.endswith(("List", "Options"))], ids=str
)
def test_the_empty_object_of_every_kind_decodes_to_itself_and_takes_defaults(name):
    group, version, kind_name = name
    schema = builtin(group, version, kind_name)
    empty = {"apiVersion": f"{group}/{version}".strip("/"), "kind": kind_name, **zero_object(schema)}
    once = check_fields(empty, schema)
    assert once.obj == empty
    assert once.warnings == ()
    full = apply_defaults(check_fields(empty, schema).obj)
    again = check_fields(full, schema)
    assert again.warnings == ()
    assert apply_defaults(again.obj) == full


DEFAULTS = {
    "a deployment rolls out": (
        kind("apps/v1", "Deployment"),
        ("spec", "strategy"),
        {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}},
    ),
    "recreate takes no numbers": (
        kind("apps/v1", "Deployment", spec={"strategy": {"type": "Recreate"}}),
        ("spec", "strategy"),
        {"type": "Recreate"},
    ),
    "a service port targets itself": (
        kind("v1", "Service", spec={"ports": [{"port": 80}]}),
        ("spec", "ports"),
        [{"port": 80, "protocol": "TCP", "targetPort": 80}],
    ),
    "latest is always pulled": (
        kind("v1", "Pod", spec={"containers": [{"name": "a", "image": "r:5000/a"}]}),
        ("spec", "containers", 0, "imagePullPolicy"),
        "Always",
    ),
    "a digest is not": (
        kind("v1", "Pod", spec={"containers": [{"name": "a", "image": "a@sha256:00"}]}),
        ("spec", "containers", 0, "imagePullPolicy"),
        "IfNotPresent",
    ),
    "requests follow limits, in pods": (
        kind("v1", "Pod", spec={"containers": [{"name": "a", "resources": {"limits": {"cpu": "1000m"}}}]}),
        ("spec", "containers", 0, "resources"),
        {"limits": {"cpu": "1"}, "requests": {"cpu": "1"}},
    ),
    "a volume of nothing is empty": (
        kind("v1", "Pod", spec={"volumes": [{"name": "v"}]}),
        ("spec", "volumes"),
        [{"name": "v", "emptyDir": {}}],
    ),
    "text of a secret is written over its data": (
        kind("v1", "Secret", data={"a": "b2xk", "c": "eA=="}, stringData={"a": "new"}),
        ("data",),
        {"a": "bmV3", "c": "eA=="},
    ),
    "egress rules make an egress policy": (
        kind("networking.k8s.io/v1", "NetworkPolicy", spec={"egress": [{}]}),
        ("spec", "policyTypes"),
        ["Ingress", "Egress"],
    ),
    "a binding's users are of RBAC": (
        kind(
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            roleRef={},
            subjects=[{"kind": "User", "name": "u"}],
        ),
        ("subjects",),
        [{"kind": "User", "name": "u", "apiGroup": "rbac.authorization.k8s.io"}],
    ),
    "container limits follow their maximum": (
        kind("v1", "LimitRange", spec={"limits": [{"type": "Container", "max": {"cpu": "2"}}]}),
        ("spec", "limits", 0),
        {"type": "Container", "max": {"cpu": "2"}, "default": {"cpu": "2"}, "defaultRequest": {"cpu": "2"}},
    ),
    "a webhook fails closed": (
        kind("admissionregistration.k8s.io/v1", "ValidatingWebhookConfiguration", webhooks=[{"name": "w"}]),
        ("webhooks", 0, "failurePolicy"),
        "Fail",
    ),
    "the template of a cron job's jobs is no job yet": (
        kind("batch/v1", "CronJob", spec={"schedule": "* * * * *"}),
        ("spec", "jobTemplate", "spec", "template", "spec", "restartPolicy"),
        "Always",
    ),
}


@pytest.mark.parametrize(("obj", "path", "wanted"), DEFAULTS.values(), ids=DEFAULTS.keys())
def test_defaults(obj, path, wanted):
    value = defaulted(obj)
    for step in path:
        value = value[step]
    assert value == wanted
