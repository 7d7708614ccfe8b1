"""Repositories whose files are bombs, traps or garbage (demands 3.3: 15-28, 31-34)."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping
from typing import Any

import orjson
import pytest
import yaml

from shared.model.kinds import CONFIG_MAP, KUSTOMIZATION
from tests.attack import archives
from tests.attack.arena import Arena
from tests.e2e.repository import config_map

pytestmark = pytest.mark.e2e

Files = Mapping[str, str | bytes]
HEAD = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: half\n"
GOOD = {"good.yaml": config_map("half", applied="yes")}


def one(text: str | bytes) -> Files:
    return {"evil.yaml": text, **GOOD}


def built(**fields: Any) -> Files:
    """A kustomization.yaml with these fields beside a good resource."""
    return {"kustomization.yaml": yaml.safe_dump({"resources": ["good.yaml"]} | fields), **GOOD}


def laughs() -> Files:
    lines = ["a0: &a0 [lol, lol, lol, lol, lol, lol, lol, lol, lol]"]
    for number in range(1, 12):
        items = ", ".join([f"*a{number - 1}"] * 9)
        lines.append(f"a{number}: &a{number} [{items}]")
    return one(HEAD + "\n".join(lines) + "\n")


def merges() -> Files:
    """Merge keys that double at every step."""
    lines = ["m0: &m0 {a: 1}"]
    lines += [f"m{n}: &m{n} {{<<: [*m{n - 1}, *m{n - 1}], k{n}: *m{n - 1}}}" for n in range(1, 40)]
    return one(HEAD + "\n".join(lines) + "\n")


def chain(length: int) -> Files:
    files = {f"d{n}/kustomization.yaml": f"resources: [../d{n + 1}]\n" for n in range(length)}
    last = {f"d{length}/kustomization.yaml": "resources: [good.yaml]\n"}
    return {"kustomization.yaml": "resources: [d0]\n", **files, **last, f"d{length}/good.yaml": HEAD}


def noise(size: int) -> str:
    return random.Random(1).randbytes(size // 2).hex()


def operations(count: int) -> str:
    return orjson.dumps([{"op": "add", "path": f"/data/k{n}", "value": "x"} for n in range(count)]).decode()


def remote(address: str) -> Files:
    return built(resources=["good.yaml", address])


EVIL: dict[str, tuple[Callable[[], Files], str]] = {
    "billion laughs": (laughs, r"evil\.yaml.*alias"),
    "merge bomb": (merges, r"evil\.yaml"),
    "10,000 deep, flow": (
        lambda: one(HEAD + "data: " + "[" * 10_000 + "]" * 10_000),
        r"evil\.yaml.*(deep|nest)",
    ),
    "10,000 deep, block": (
        lambda: one("\n".join(" " * n + "a:" for n in range(10_000))),
        r"evil\.yaml",
    ),
    "an unclosed flow of a million": (lambda: one("a: " + "{a: " * 1_000_000), r"evil\.yaml"),
    "a scalar of 40 MiB": (lambda: one(HEAD + "data:\n  a: " + noise(40 * 2**20)), r"evil\.yaml"),
    "an unknown tag": (lambda: one("!!python/object/apply:os.system ['true']\n"), r"evil\.yaml"),
    "duplicate keys": (lambda: one(HEAD + "data: {a: x}\ndata: {a: y}\n"), r"evil\.yaml.*data"),
    "NUL": (lambda: one(HEAD + "data: {a: 'x\0y'}\n"), r"evil\.yaml"),
    "bytes that are no text": (lambda: one(HEAD.encode() + b"data: {a: \xff\xfe\xfd}\n"), r"evil\.yaml"),
    "half a surrogate": (lambda: one(HEAD + 'data: {a: "\\ud800"}\n'), r"."),
    "a key that is a map": (lambda: one(HEAD + "data: {? {a: b} : c}\n"), r"."),
    "kustomization.yaml is a list": (
        lambda: {"kustomization.yaml": "[1, 2]\n", **GOOD},
        "kustomization.yaml",
    ),
    "resources is a number": (lambda: built(resources=5), "resources"),
    "it includes itself": (lambda: built(resources=["."]), "cycle"),
    "a cycle of two": (
        lambda: {
            "kustomization.yaml": "resources: [a]\n",
            "a/kustomization.yaml": "resources: [../b]\n",
            "b/kustomization.yaml": "resources: [../a]\n",
        },
        "cycle",
    ),
    "a chain of 200": (lambda: chain(200), "deep|depth"),
    "a base outside of the root": (lambda: built(resources=["../../../../../etc"]), "etc"),
    "a file outside of the root": (
        lambda: built(configMapGenerator=[{"name": "x", "files": ["../../../../../etc/passwd"]}]),
        "passwd",
    ),
    "an absolute file": (
        lambda: built(configMapGenerator=[{"name": "x", "files": ["/proc/self/environ"]}]),
        "proc",
    ),
    "a base at a link-local address": (lambda: remote("https://169.254.169.254/latest/meta-data"), "169.254"),
    "a base by git and file": (lambda: remote("git::file:///etc"), "file:///etc"),
    "a base by file": (lambda: remote("file:///etc/passwd"), "passwd"),
    "a base by ssh": (lambda: remote("git@github.com:o/r.git"), "github.com"),
    "openapi from elsewhere": (
        lambda: built(openapi={"path": "http://169.254.169.254/s.json"}),
        "169.254",
    ),
    "crds from elsewhere": (lambda: built(crds=["http://169.254.169.254/c.yaml"]), "169.254"),
    "validators from elsewhere": (
        lambda: built(validators=["http://169.254.169.254/v.yaml"]),
        "169.254",
    ),
    "a base on this machine": (lambda: remote("http://127.0.0.1:1/x/y"), r"127\.0\.0\.1"),
    "65 bases": (
        lambda: built(resources=[f"https://git.invalid/o/r{n}" for n in range(65)]),
        "more than 64 remote resources",
    ),
    "a helm chart": (lambda: built(helmCharts=[{"name": "x", "repo": "https://x.invalid"}]), "(?i)helm"),
    "an exec plugin": (
        lambda: {
            **built(generators=["gen.yaml"]),
            "gen.yaml": yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "Gen",
                    "metadata": {
                        "name": "x",
                        "annotations": {"config.kubernetes.io/function": "exec: {path: /bin/sh}"},
                    },
                }
            ),
        },
        "exec|plugin|function|Gen",
    ),
    "a container plugin": (
        lambda: {
            **built(transformers=["t.yaml"]),
            "t.yaml": yaml.safe_dump(
                {
                    "apiVersion": "v1",
                    "kind": "T",
                    "metadata": {
                        "name": "x",
                        "annotations": {"config.kubernetes.io/function": "container: {image: evil}"},
                    },
                }
            ),
        },
        "container|plugin|function|T",
    ),
    "a patch of 100,000 operations": (
        lambda: built(patches=[{"target": {"kind": "ConfigMap"}, "patch": operations(100_000)}]),
        "operations",
    ),
    "a patch below nothing": (
        lambda: built(
            patches=[
                {"target": {"kind": "ConfigMap"}, "patch": '[{"op": "add", "path": "/a/b/c", "value": 1}]'}
            ]
        ),
        "/a/b/c|a",
    ),
    "a patch that is no patch": (lambda: built(patches=[{"patch": "just words"}]), "patch"),
    "a replacement of a strange path": (
        lambda: built(
            replacements=[
                {
                    "source": {"kind": "ConfigMap", "name": "half", "fieldPath": "data.[(a+)+$=x].y"},
                    "targets": [{"select": {"kind": "ConfigMap"}, "fieldPaths": ["data.applied"]}],
                }
            ]
        ),
        r"\(a\+\)\+",
    ),
    "the same object twice": (lambda: {"a.yaml": HEAD, "b.yaml": HEAD}, "half"),
    "an object without name": (lambda: one("apiVersion: v1\nkind: ConfigMap\n"), r"evil\.yaml"),
}


@pytest.mark.parametrize("evil", EVIL.values(), ids=EVIL.keys())
async def test_an_evil_repository_does_not_build(arena: Arena, evil: tuple[Callable[[], Files], str]) -> None:
    make, words = evil
    await arena.source("evil", archives.of_files(make()))
    await arena.kustomization()
    await arena.refused("BuildFailed", f"(?s){words}")
    found = await arena.world.client.find(CONFIG_MAP, arena.world.namespace, "half")
    assert found is None, "half of an evil repository was applied"


HARMLESS: dict[str, Callable[[], Files]] = {
    "byte order mark": lambda: {"a.yaml": b"\xef\xbb\xbf" + HEAD.encode()},
    "UTF-16": lambda: {"a.yaml": HEAD.encode("utf-16")},
    "CRLF": lambda: {"a.yaml": HEAD.replace("\n", "\r\n")},
    "a List of a List": lambda: {
        "a.yaml": yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "List",
                "items": [{"apiVersion": "v1", "kind": "List", "items": [yaml.safe_load(HEAD)]}],
            }
        )
    },
    "an evil regular expression": lambda: built(
        patches=[
            {
                "target": {"kind": "ConfigMap", "name": "(a+)+$|half", "labelSelector": ""},
                "patch": '[{"op": "add", "path": "/metadata/labels", "value": {"patched": "yes"}}]',
            }
        ]
    ),
    "scalars of other YAMLs": lambda: {
        "a.yaml": HEAD + "  annotations: {a: '0123', b: 'on', c: '2001-01-01', d: '.inf', e: '0x1f'}\n"
        "data: {a: 'yes', b: '9223372036854775808'}\n"
    },
    "a link to the machine in a name": lambda: {"%2e%2e%2fetc.yaml": HEAD},
}


@pytest.mark.parametrize("files", HARMLESS.values(), ids=HARMLESS.keys())
async def test_what_is_only_odd_is_applied(arena: Arena, files: Callable[[], Files]) -> None:
    await arena.source("evil", archives.of_files(files()))
    await arena.kustomization()
    await arena.world.ready(KUSTOMIZATION, "victim")
    assert await arena.world.client.find(CONFIG_MAP, arena.world.namespace, "half") is not None


VARIABLES: dict[str, tuple[str, dict[str, str], str]] = {
    "names itself": ("${a:=${b:=${a}}}", {"x": "1"}, "variable not set"),
    "nested a thousand times": ("${a:=" * 1_000 + "x" + "}" * 1_000, {"x": "1"}, "nested|deep"),
    "no name": ("${}", {"x": "1"}, "substitution failed"),
    "a name that begins with a digit": ("${1x}", {"x": "1"}, "substitution failed"),
    "never closed": ("${x", {"x": "1"}, "closing brace|substitution"),
    "100 MB": ("${x}" * 2_000, {"x": "y" * 50_000}, "larger than"),
    "100 MB by replacement": ("${x//y/" + "z" * 5_000 + "}", {"x": "y" * 20_000}, "grows|larger"),
    "a name that nobody can say": ("${x}", {"my-key": "1"}, "my-key.*var name is invalid"),
    "ends the document": ("x\n---\n${x}", {"x": "a: b: c"}, "post build failed"),
}


@pytest.mark.parametrize("evil", VARIABLES.values(), ids=VARIABLES.keys())
async def test_an_evil_variable_fails_the_build(arena: Arena, evil: tuple[str, dict[str, str], str]) -> None:
    text, values, words = evil
    key = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "half"}, "data": {"a": text}}
    if values.get("x") == "a: b: c":
        key["data"] = {"a": "${x}"}
    await arena.source("evil", archives.of_files({"a.yaml": yaml.safe_dump(key)}))
    await arena.kustomization(postBuild={"substitute": values})
    await arena.refused("BuildFailed", words)


async def test_a_value_is_not_expanded_again_and_starts_no_document(arena: Arena) -> None:
    files = {"a.yaml": config_map("half", one="${x}", two="$(VAR) $y $${z}", three="'${d}'")}
    await arena.source("evil", archives.of_files(files))
    await arena.kustomization(postBuild={"substitute": {"x": "${d}", "d": "\n---\nkind: Secret\n"}})
    await arena.world.ready(KUSTOMIZATION, "victim")
    found = await arena.world.get(CONFIG_MAP, "half")
    assert found["data"] == {"one": "${d}", "two": "$(VAR) $y ${z}", "three": "'---kind: Secret'"}
