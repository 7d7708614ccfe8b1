"""Objects to simulate, as small as the API takes them."""

from __future__ import annotations

from typing import Any

Obj = dict[str, Any]

DEPLOYMENT = ("apps/v1", "Deployment")
REPLICA_SET = ("apps/v1", "ReplicaSet")
STATEFUL_SET = ("apps/v1", "StatefulSet")
DAEMON_SET = ("apps/v1", "DaemonSet")
POD = ("v1", "Pod")
JOB = ("batch/v1", "Job")
CRON_JOB = ("batch/v1", "CronJob")
SERVICE = ("v1", "Service")
CLAIM = ("v1", "PersistentVolumeClaim")
VOLUME = ("v1", "PersistentVolume")


def make(kind: tuple[str, str], name: str, spec: Obj, **annotations: str) -> Obj:
    """Annotations by the last word of their names: `fail`, `ready_after`."""
    named = {
        f"localcluster.headwater.dev/{key.replace('_', '-')}": value for key, value in annotations.items()
    }
    metadata: Obj = {"name": name, "namespace": "default", "annotations": named}
    return {"apiVersion": kind[0], "kind": kind[1], "metadata": metadata, "spec": spec}


def template(image: str = "example.com/app:1", **spec: Any) -> Obj:
    return {
        "metadata": {"labels": {"app": "web"}},
        "spec": {"containers": [{"name": "app", "image": image}], **spec},
    }


def workload(kind: tuple[str, str], name: str = "web", *, annotations: Any = (), **spec: Any) -> Obj:
    wanted = {"selector": {"matchLabels": {"app": "web"}}, "template": template(), **spec}
    return make(kind, name, wanted, **dict(annotations))


def job(name: str = "once", *, annotations: Any = (), restart: str = "Never", **spec: Any) -> Obj:
    return make(JOB, name, {"template": template(restartPolicy=restart), **spec}, **dict(annotations))


def condition(obj: Obj, kind: str) -> Obj:
    """That condition, or one of which nothing holds."""
    found = obj.get("status", {}).get("conditions", [])
    return next((each for each in found if each["type"] == kind), {"status": None, "reason": None})
