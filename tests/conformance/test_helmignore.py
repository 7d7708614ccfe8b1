"""What `helm package` leaves out, .helmignore makes us leave out, too."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from shared.charts.helmignore import HelmIgnore, InvalidHelmIgnore
from tests.fakes.chart_repository import files_in
from tests.peers import find

HELM = find("helm")
pytestmark = pytest.mark.skipif(HELM is None, reason="no helm here: make peers")

FILES = (
    "Chart.yaml",
    "a.txt",
    "b.md",
    "docs/a.txt",
    "docs/deep/a.txt",
    "docs/b.md",
    "templates/x.yaml",
    "templates/.hidden",
    "templates/docs/y.yaml",
    "deep",
    ".dot",
    "with space.txt",
)
RULES = (
    "",
    "a.txt",
    "/a.txt",
    "docs",
    "docs/",
    "/docs/",
    "docs/a.txt",
    "docs/*",
    "*/a.txt",
    "docs/*/a.txt",
    "*.md",
    "!*.md",
    "!Chart.yaml",
    "deep",
    "deep/",
    "./a.txt",
    ".*",
    "?.txt",
    "[ab].*",
    "[^a].txt",
    "a.txt\n!a.txt",
    "  a.txt  ",
    "# a.txt",
    "with space.txt",
    "with\\ space.txt",
    "templates/.?*",
    "x.yaml",
    "**/a.txt",
    "a**",
    "[",
    "docs/[",
    "/",
    "!",
    "!docs/",
    "*",
)


def kept_by_helm(chart: Path, out: Path) -> set[str] | None:
    done = subprocess.run(
        [str(HELM), "package", str(chart), "--destination", str(out)],
        capture_output=True,
        check=False,
        timeout=30,
        env={"HOME": str(out), "PATH": "/usr/bin:/bin"},
    )
    if done.returncode != 0:
        return None
    (archive,) = out.glob("*.tgz")
    return {name.removeprefix("app/") for name in files_in(archive.read_bytes())}


@pytest.mark.parametrize("rules", RULES)
def test_the_same_files_stay(rules: str, tmp_path: Path) -> None:
    chart, out = tmp_path / "app", tmp_path / "out"
    out.mkdir()
    for name in FILES:
        file = chart / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("apiVersion: v2\nname: app\nversion: 1.0.0\n" if name == "Chart.yaml" else "{}")
    (chart / ".helmignore").write_text(rules)

    try:
        ours = HelmIgnore.parse(rules)
    except InvalidHelmIgnore:
        assert kept_by_helm(chart, out) is None
        return
    kept = {name for name in (*FILES, ".helmignore") if ours.keeps(tuple(name.split("/")))}
    assert kept_by_helm(chart, out) == (kept if "Chart.yaml" in kept else None)
