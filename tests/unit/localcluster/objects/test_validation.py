"""Built-in kinds are refused in the server's words."""

import pytest

from localcluster.objects.causes import message_of
from localcluster.objects.decode import check_fields
from localcluster.objects.defaults import apply_defaults
from localcluster.objects.schema import builtin
from localcluster.objects.strategy import prepare_create, prepare_update, reset_fields
from localcluster.objects.validation import validate_create, validate_update

TEMPLATE = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": [{"name": "c", "image": "i"}]}}
WORKLOAD = {"selector": {"matchLabels": {"a": "b"}}, "template": TEMPLATE}


def made(version, kind, name="x", **rest):
    """The object as it is when it is validated."""
    group, _, plain = version.rpartition("/")
    raw = {
        "apiVersion": version,
        "kind": kind,
        "metadata": {"name": name, "uid": "1", **rest.pop("meta", {})},
        **rest,
    }
    obj = apply_defaults(check_fields(raw, builtin(group, plain, kind)).obj)
    prepare_create(obj)
    return obj


def wrong(obj):
    causes = validate_create(obj)
    return message_of(causes) if causes else ""


def changed(old, new):
    new["metadata"] = {**old["metadata"], **new["metadata"]}
    prepare_update(new, old)
    causes = validate_update(new, old)
    return message_of(causes) if causes else ""


MESSAGES = {
    "a deployment of nothing": (
        made("apps/v1", "Deployment", spec={}),
        (
            "[spec.selector: Required value, spec.template.metadata.labels: Invalid value: null: "
            "`selector` does not match template `labels`, spec.template.spec.containers: Required value]"
        ),
    ),
    "a negative number": (
        made("apps/v1", "Deployment", spec={**WORKLOAD, "replicas": -1}),
        "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    ),
    "an empty selector": (
        made("apps/v1", "ReplicaSet", spec={**WORKLOAD, "selector": {}}),
        "spec.selector: Invalid value: {}: empty selector is invalid for replicaset",
    ),
    "a good stateful set": (
        made(
            "apps/v1",
            "StatefulSet",
            spec={
                **WORKLOAD,
                "template": {
                    "metadata": {"labels": {"a": "b"}},
                    "spec": {
                        "containers": [
                            {"name": "c", "image": "i", "volumeMounts": [{"name": "data", "mountPath": "/d"}]}
                        ]
                    },
                },
                "volumeClaimTemplates": [{"metadata": {"name": "data"}}],
            },
        ),
        "",
    ),
    "containers of one name": (
        made("v1", "Pod", spec={"containers": [{"name": "c", "image": "i"}, {"name": "c", "image": "j"}]}),
        'spec.containers[1].name: Duplicate value: "c"',
    ),
    "a probe without handler": (
        made("v1", "Pod", spec={"containers": [{"name": "c", "image": "i", "livenessProbe": {}}]}),
        "spec.containers[0].livenessProbe: Required value: must specify a handler type",
    ),
    "a request over its limit": (
        made(
            "v1",
            "Pod",
            spec={
                "containers": [
                    {"name": "c", "image": "i", "resources": {"requests": {"cpu": 2}, "limits": {"cpu": 1}}}
                ]
            },
        ),
        'spec.containers[0].resources.requests: Invalid value: "2": must be less than or equal to cpu limit of 1',
    ),
    "an external name with an address": (
        made(
            "v1", "Service", spec={"type": "ExternalName", "externalName": "e.com", "clusterIP": "10.0.0.1"}
        ),
        "spec.clusterIPs: Forbidden: may not be set for ExternalName services",
    ),
    "a port name that is none": (
        made("v1", "Service", spec={"ports": [{"port": 80, "targetPort": "-x"}]}),
        'spec.ports[0].targetPort: Invalid value: "-x": must not begin or end with a hyphen',
    ),
    "a job that restarts": (
        made("batch/v1", "Job", spec={"template": TEMPLATE}),
        'spec.template.spec.restartPolicy: Required value: valid values: "OnFailure", "Never"',
    ),
    "a policy of an unknown type": (
        made("networking.k8s.io/v1", "NetworkPolicy", spec={"policyTypes": ["Up"]}),
        'spec.policyTypes[0]: Unsupported value: "Up": supported values: "Ingress", "Egress"',
    ),
    "a budget of too much": (
        made("policy/v1", "PodDisruptionBudget", spec={"minAvailable": "120%"}),
        'spec.minAvailable: Invalid value: "120%": must not be greater than 100%',
    ),
    "an unknown quota": (
        made("v1", "ResourceQuota", spec={"hard": {"llamas": "1"}}),
        'spec.hard[llamas]: Invalid value: "llamas": must be a standard resource for quota',
    ),
    "limits in the wrong order": (
        made(
            "v1", "LimitRange", spec={"limits": [{"type": "Pod", "min": {"cpu": "2"}, "max": {"cpu": "1"}}]}
        ),
        'spec.limits[0].min[cpu]: Invalid value: "2": min value 2 is greater than max value 1',
    ),
    "a webhook that does not say its side effects": (
        made(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            webhooks=[
                {
                    "name": "a.b.c",
                    "clientConfig": {"url": "https://h"},
                    "admissionReviewVersions": ["v1"],
                    "rules": [],
                }
            ],
        ),
        "webhooks[0].sideEffects: Required value: must specify one of None, NoneOnDryRun",
    ),
    "a name that is too long": (
        made("v1", "ConfigMap", name="n" * 254),
        f'metadata.name: Invalid value: "{"n" * 254}": must be no more than 253 characters',
    ),
    "annotations that are too large": (
        made("v1", "ConfigMap", meta={"annotations": {"a": "x" * 262_144}}),
        "metadata.annotations: Too long: may not be more than 262144 bytes",
    ),
    "a finalizer without domain": (
        made("v1", "ConfigMap", meta={"finalizers": ["nodomain"]}),
        (
            'metadata.finalizers[0]: Invalid value: "nodomain": '
            "name is neither a standard finalizer name nor is it fully qualified"
        ),
    ),
    "a generated name's prefix may end in a hyphen": (
        made("v1", "ConfigMap", name="web-x1", meta={"generateName": "web-"}),
        "",
    ),
}


@pytest.mark.parametrize(("obj", "wanted"), MESSAGES.values(), ids=MESSAGES.keys())
def test_objects_are_refused_in_the_servers_words(obj, wanted):
    assert wrong(obj) == wanted


SCHEDULES = {
    "* * * * *": True,
    "*/5 0-6 1,15 jan-mar mon": True,
    "@daily": True,
    "@every 1h30m": True,
    "whenever": False,
    "60 * * * *": False,
    "* * * *": False,
    "*/0 * * * *": False,
    "5-1 * * * *": False,
    "@sometimes": False,
}


@pytest.mark.parametrize(("schedule", "good"), SCHEDULES.items(), ids=SCHEDULES.keys())
def test_schedules(schedule, good):
    template = {**TEMPLATE, "spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    spec = {"schedule": schedule, "jobTemplate": {"spec": {"template": template}}}
    found = wrong(made("batch/v1", "CronJob", spec=spec))
    assert found.startswith("spec.schedule: Invalid value") is not good
    assert bool(found) is not good


UPDATES = {
    "the selector of a deployment": (
        made("apps/v1", "Deployment", spec=WORKLOAD),
        made(
            "apps/v1",
            "Deployment",
            spec={
                **WORKLOAD,
                "selector": {"matchLabels": {"a": "b", "c": "d"}},
                "template": {**TEMPLATE, "metadata": {"labels": {"a": "b", "c": "d"}}},
            },
        ),
        'spec.selector: Invalid value: {"matchLabels":{"a":"b","c":"d"}}: field is immutable',
    ),
    "immutable data": (
        made("v1", "ConfigMap", data={"a": "1"}, immutable=True),
        made("v1", "ConfigMap", data={"a": "2"}, immutable=True),
        "data: Forbidden: field is immutable when `immutable` is set",
    ),
    "the type of a secret": (
        made("v1", "Secret"),
        made("v1", "Secret", type="example.com/other"),
        'type: Invalid value: "example.com/other": field is immutable',
    ),
    "the replicas of a stateful set": (
        made("apps/v1", "StatefulSet", spec={**WORKLOAD, "serviceName": "s"}),
        made("apps/v1", "StatefulSet", spec={**WORKLOAD, "serviceName": "s", "replicas": 3}),
        "",
    ),
    "a role reference": (
        made("rbac.authorization.k8s.io/v1", "RoleBinding", roleRef={"kind": "Role", "name": "a"}),
        made("rbac.authorization.k8s.io/v1", "RoleBinding", roleRef={"kind": "Role", "name": "b"}),
        'roleRef: Invalid value: {"kind":"Role","name":"b","apiGroup":"rbac.authorization.k8s.io"}: cannot change roleRef',
    ),
    "the address of a service": (
        made(
            "v1",
            "Service",
            spec={"ports": [{"port": 80}], "clusterIP": "10.0.0.1", "clusterIPs": ["10.0.0.1"]},
        ),
        made(
            "v1",
            "Service",
            spec={"ports": [{"port": 80}], "clusterIP": "10.0.0.2", "clusterIPs": ["10.0.0.1"]},
        ),
        'spec.clusterIPs[0]: Invalid value: ["10.0.0.2"]: may not change once set',
    ),
    "the image of a pod": (
        made("v1", "Pod", spec={"containers": [{"name": "c", "image": "i:1"}]}),
        made("v1", "Pod", spec={"containers": [{"name": "c", "image": "i:2"}]}),
        "",
    ),
    "the name of a pod's container": (
        made("v1", "Pod", spec={"containers": [{"name": "c", "image": "i:1"}]}),
        made("v1", "Pod", spec={"containers": [{"name": "d", "image": "i:1"}]}),
        "spec.containers: Forbidden: pod updates may not add or remove containers",
    ),
}


@pytest.mark.parametrize(("old", "new", "wanted"), UPDATES.values(), ids=UPDATES.keys())
def test_what_may_change_and_what_not(old, new, wanted):
    assert changed(old, new) == wanted


def test_what_may_not_change_in_metadata_is_told_twice():
    old, new = made("v1", "ConfigMap"), made("v1", "ConfigMap")
    new["metadata"]["uid"] = "2"
    assert [cause.field for cause in validate_update(new, old)] == ["metadata.uid", "metadata.uid"]


def test_generations_rise_with_the_parts_that_count():
    old = made("apps/v1", "Deployment", spec=WORKLOAD)
    annotated = made("apps/v1", "Deployment", spec=WORKLOAD, meta={"annotations": {"a": "b"}})
    prepare_update(annotated, old)
    assert (old["metadata"]["generation"], annotated["metadata"]["generation"]) == (1, 2)
    labelled = made("apps/v1", "Deployment", spec=WORKLOAD, meta={"labels": {"a": "b"}, "generation": 9})
    prepare_update(labelled, old)
    assert labelled["metadata"]["generation"] == 1
    assert "generation" not in made("v1", "Service", spec={})["metadata"]
    assert made("v1", "ConfigMap", meta={"generation": 7})["metadata"]["generation"] == 7


def test_status_is_written_through_its_subresource_alone():
    old = made("apps/v1", "Deployment", spec=WORKLOAD, status={"replicas": 5})
    assert old["status"] == {}
    new = made("apps/v1", "Deployment", spec={**WORKLOAD, "replicas": 9})
    new["status"] = {"replicas": 5}
    through = {**new, "metadata": {**new["metadata"], "labels": {"x": "y"}}}
    prepare_update(through, old, "status")
    assert through["status"] == {"replicas": 5}
    assert through["spec"]["replicas"] == 1
    assert "labels" not in through["metadata"]
    prepare_update(new, old)
    assert new["status"] == {}
    assert reset_fields("apps", "Deployment", "status") == {"f:spec": {}, "f:metadata": {"f:labels": {}}}


def test_a_job_selects_the_pods_that_carry_its_uid():
    template = {"spec": {**TEMPLATE["spec"], "restartPolicy": "Never"}}
    job = made("batch/v1", "Job", spec={"template": template})
    assert job["spec"]["selector"] == {"matchLabels": {"batch.kubernetes.io/controller-uid": "1"}}
    assert job["metadata"]["labels"] == job["spec"]["template"]["metadata"]["labels"]
    assert wrong(job) == ""
