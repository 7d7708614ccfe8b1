"""Tables: every kind has one, and none falls over an object that says as little as it may."""

import pytest

from localcluster.objects.defaults import apply_defaults
from localcluster.present.age import human_duration
from localcluster.present.columns import columns_of
from localcluster.resources.registry import Registry

KINDS = [
    *Registry().collections(namespaced=True),
    *Registry().collections(namespaced=False),
]
NEEDED = {
    "HorizontalPodAutoscaler": {"scaleTargetRef": {"kind": "Deployment", "name": "web"}, "maxReplicas": 1},
}


@pytest.mark.parametrize("resource", KINDS, ids=lambda resource: resource.collection)
def test_a_row_has_a_cell_for_each_column(resource) -> None:
    obj = {
        "apiVersion": resource.api_version,
        "kind": resource.kind,
        "metadata": {"name": "a"},
        "spec": NEEDED.get(resource.kind, {}),
        "roleRef": {"kind": "Role", "name": "r"},
    }
    columns = columns_of(resource)
    cells = columns.cells(obj)
    assert len(cells) == len(columns.definitions)
    named = [definition["name"] for definition in columns.definitions]
    assert cells[named.index("Name")] == "a"


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [
        (-5, "<invalid>"),
        (0, "0s"),
        (119, "119s"),
        (120, "2m"),
        (150, "2m30s"),
        (900, "15m"),
        (3 * 3600, "3h"),
        (11100, "3h5m"),
        (10 * 3600, "10h"),
        (50 * 3600, "2d2h"),
        (9 * 86400, "9d"),
        (800 * 86400, "2y70d"),
    ],
)
def test_ages_are_short(seconds, shown) -> None:
    assert human_duration(seconds) == shown


def test_a_pod_shows_what_is_wrong_with_it() -> None:
    pods = Registry().find("", "v1", "pods")
    assert pods is not None
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}, "restartCount": 3, "ready": False}
    pod = apply_defaults(
        {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {"name": "p"},
            "spec": {"containers": [{"name": "c", "image": "i"}]},
            "status": {"phase": "Pending", "containerStatuses": [waiting]},
        }
    )
    assert columns_of(pods).cells(pod)[1:4] == ["0/1", "ImagePullBackOff", "3"]
