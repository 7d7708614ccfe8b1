"""What is built of a whole repository: what reads what, what is hidden, what is wrong."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import orjson
import pytest

from cli.__main__ import main
from tests.unit.cli.offline.sample import kustomization, write

FAR = kustomization("far", "./").replace("GitRepository, name: flux-system", "GitRepository, name: other")
BLANK = "postBuild: {substituteFrom: [{kind: Secret, name: no}]}"
CYCLE = kustomization("a", "./apps/0", "dependsOn: [{name: b}]") + kustomization(
    "b", "./apps/0", "dependsOn: [{name: a}]"
)
GOLDEN = Path(__file__).parents[3] / "golden" / "sops"
Capture = pytest.CaptureFixture[str]
Built = tuple[int, dict[str, Any], list[dict[str, str]]]


def built(entry: Path, capture: Capture, *more: str) -> Built:
    """-> exit status, what is built by `Kind/name`, and the problems."""
    status = main(["build", str(entry), "-o", "json", *more])
    found = orjson.loads(capture.readouterr().out)
    objects = {
        f"{item['object']['kind']}/{item['object']['metadata']['name']}": item for item in found["objects"]
    }
    return status, objects, found["problems"]


def add(entry: Path, text: str) -> None:
    with (entry / "all.yaml").open("a") as file:
        file.write(text)


def test_kustomizations_and_releases_read_what_others_apply(tmp_path: Path, capsys: Capture) -> None:
    status, objects, problems = built(write(tmp_path, apps=3), capsys)
    assert (status, problems) == (0, [])
    first, rendered = objects["ConfigMap/app-0"], objects["ConfigMap/web-0"]
    assert first["owner"] == "Kustomization/flux-system/app-0"
    assert first["object"]["data"] == {"hello": "world"}
    assert rendered["owner"] == "HelmRelease/flux-system/web-0"
    assert rendered["object"]["data"] == {"colour": "crimson", "size": "3"}
    assert rendered["object"]["metadata"]["namespace"] == "shop"
    assert "namespace" not in objects["ClusterRole/web-0"]["object"]["metadata"]


def test_secrets_are_not_printed(tmp_path: Path, capsys: Capture) -> None:
    assert main(["build", str(write(tmp_path, releases=0))]) == 0
    shown = capsys.readouterr().out
    assert "kind: Secret" in shown
    assert "crimson" not in shown


@pytest.mark.parametrize(
    ("added", "message"),
    [
        pytest.param(kustomization("lost", "./nowhere"), "kustomization path not found", id="path"),
        pytest.param(kustomization("out", "./../.."), "charts/web/Chart.yaml", id="the root is a jail"),
        pytest.param(kustomization("late", "./a", "dependsOn: [{name: x}]"), "flux-system/x", id="missing"),
        pytest.param(CYCLE, "part of a cycle", id="cycle"),
        pytest.param(kustomization("twice", "./apps/0"), "is applied by Kustomization", id="two owners"),
        pytest.param(kustomization("blank", "./apps/0", BLANK), "error: not found", id="variables"),
        pytest.param(FAR, "--source", id="source"),
    ],
)
def test_what_cannot_be_built_is_named(tmp_path: Path, capsys: Capture, added: str, message: str) -> None:
    entry = write(tmp_path)
    add(entry, added)
    status, objects, problems = built(entry, capsys)
    assert status == 1
    assert any(message in problem["message"] for problem in problems), problems
    assert "ConfigMap/web-0" in objects


def test_a_folder_may_stand_for_another_source(tmp_path: Path, capsys: Capture) -> None:
    entry = write(tmp_path / "main")
    (entry / "all.yaml").write_text(FAR)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "a.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: far, namespace: apps}\n"
    )
    status, objects, problems = built(entry, capsys, "--source", f"other={tmp_path / 'other'}")
    assert (status, problems) == (0, [])
    assert objects["ConfigMap/far"]["owner"] == "Kustomization/flux-system/far"


def test_charts_of_repositories_are_found_in_a_folder(tmp_path: Path, capsys: Capture) -> None:
    entry = write(tmp_path)
    packed = tmp_path / "packed"
    packed.mkdir()
    shutil.make_archive(str(packed / "web-1.2.3"), "gztar", tmp_path / "charts", "web")
    (packed / "web-1.2.3.tar.gz").rename(packed / "web-1.2.3.tgz")
    releases = tmp_path / "releases" / "all.yaml"
    text = releases.read_text().replace("./charts/web, ", "web, version: 1.x, ")
    releases.write_text(text.replace("kind: GitRepository", "kind: HelmRepository"))
    status, _, problems = built(entry, capsys)
    assert status == 1
    assert "--charts" in problems[0]["message"]
    status, objects, problems = built(entry, capsys, "--charts", str(packed))
    assert (status, problems) == (0, [])
    assert "ConfigMap/web-0" in objects


def test_values_are_decrypted_by_a_key_in_a_file(tmp_path: Path, capsys: Capture) -> None:
    entry = write(tmp_path)
    (tmp_path / "secrets").mkdir()
    shutil.copy(GOLDEN / "encrypted" / "secret.yaml", tmp_path / "secrets" / "a.yaml")
    decryption = "decryption: {provider: sops, secretRef: {name: keys}}, targetNamespace: flux-system"
    add(entry, kustomization("secrets", "./secrets", decryption))
    releases = tmp_path / "releases" / "all.yaml"
    reference = "{kind: Secret, name: app, valuesKey: password, targetPath: colour}"
    releases.write_text(releases.read_text().replace("{kind: Secret, name: values}", reference))
    status, objects, problems = built(entry, capsys, "--sops-key-file", str(GOLDEN / "keys" / "age.agekey"))
    assert (status, problems) == (0, [])
    assert objects["ConfigMap/web-0"]["object"]["data"]["colour"] == "s3cr3t"
    assert objects["Secret/app"]["object"]["data"]["password"] == "**hidden**"
    _, objects, _ = built(entry, capsys)
    assert objects["ConfigMap/web-0"]["object"]["data"]["colour"] == "**SOPS**"


def test_junit_has_a_case_for_each_owner(tmp_path: Path, capsys: Capture) -> None:
    entry = write(tmp_path)
    add(entry, kustomization("lost", "./nowhere"))
    assert main(["test", str(entry), "-o", "junit"]) == 1
    shown = capsys.readouterr().out
    assert 'tests="5" failures="1"' in shown
    assert '<testcase classname="HelmRelease" name="flux-system/web-0"/>' in shown
