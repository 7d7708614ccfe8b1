"""JSON paths, as printer columns and scale subresources use them."""

import pytest

from localcluster.objects.crd import jsonpath

OBJECT = {
    "spec": {"size": 4, "a.b": 1, "names": ["x", "y", "z"]},
    "status": {"conditions": [{"type": "Other", "status": "False"}, {"type": "Ready", "status": "True"}]},
}
PATHS = {
    ".spec.size": [4],
    "{.spec.size}": [4],
    ".spec.nothing": [],
    ".spec.names[0]": ["x"],
    ".spec.names[-1]": ["z"],
    ".spec.names[1:]": ["y", "z"],
    ".spec.names[*]": ["x", "y", "z"],
    ".spec['a.b']": [1],
    r".spec.a\.b": [1],
    '.status.conditions[?(@.type=="Ready")].status': ["True"],
    ".status.conditions[?(@.type!='Ready')].type": ["Other"],
    "..status": [OBJECT["status"], "False", "True"],
}


@pytest.mark.parametrize(("path", "wanted"), PATHS.items(), ids=PATHS.keys())
def test_json_paths(path, wanted):
    assert jsonpath.find(OBJECT, path) == wanted


@pytest.mark.parametrize("path", ["spec", ".spec[", ".a[?(", ".a[?(@.b==)]", "." * 3, ".a" * 1000])
def test_what_is_no_json_path_is_refused(path):
    with pytest.raises(jsonpath.BadJsonPath):
        jsonpath.find({}, path)
