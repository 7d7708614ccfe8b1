"""Resources on the network: how addresses read, and what the build asks for and makes of the answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from shared.kustomize import errors
from shared.kustomize.build import build
from shared.kustomize.filesystem import MemoryTree
from shared.kustomize.options import Limits, Options
from shared.kustomize.remote import (
    GitAddress,
    RemoteDirectory,
    RemoteNeeded,
    is_remote,
    parse_git_address,
    shown_address,
)

ADDRESSES: dict[str, GitAddress] = {
    "https://github.com/org/repo": GitAddress("https://github.com/org/repo"),
    "https://github.com/org/repo/deep/dir?ref=v1": GitAddress("https://github.com/org/repo", "deep/dir", "v1"),
    "https://github.com/org/repo.git/dir?version=v2": GitAddress("https://github.com/org/repo.git", "dir", "v2"),
    "https://git.example/a/b/c//dir/?ref=main": GitAddress("https://git.example/a/b/c", "dir", "main"),
    "github.com/org/repo//base?timeout=90": GitAddress("https://github.com/org/repo", "base", seconds=90),
    "gh:org/repo?timeout=2m": GitAddress("https://github.com/org/repo", seconds=120),
    "git@github.com:org/repo.git": GitAddress("ssh://git@github.com/org/repo.git"),
    "ssh://git@git.example:2222/x/y.git/d": GitAddress("ssh://git@git.example:2222/x/y.git", "d"),
    "me@git.example:x/y.git": GitAddress("ssh://me@git.example/x/y.git"),
    "git::https://git.example/x/y?submodules=false": GitAddress("https://git.example/x/y", submodules=False),
    "git::https://git.example/x/y?submodules=perhaps&timeout=soon": GitAddress("https://git.example/x/y"),
    "https://me@dev.azure.com/org/project/_git/repo/dir": GitAddress(
        "https://me@dev.azure.com/org/project/_git/repo", "dir"
    ),
}  # fmt: skip


@pytest.mark.parametrize("text", ADDRESSES)
def test_an_address_is_read(text: str) -> None:
    assert is_remote(text)
    assert parse_git_address(text) == ADDRESSES[text]


@pytest.mark.parametrize(
    "text",
    [
        "file:///etc",
        "git::file:///etc",
        "https://git.example",
        "https://git.example/only-one",
        "git@git.example/no-colon",
        "https://git.example/a/b//../../c",
        "https://git.example/a/b\x00c",
        "https://" + "x" * 3000 + "/a/b",
    ],
)
def test_a_bad_address_is_refused(text: str) -> None:
    with pytest.raises(errors.RemoteRefused) as refusal:
        parse_git_address(text)
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("text", ["../base", "base.git.d/x", "a/b/c", "x.yaml", "- op: a\n  git@x:y"])
def test_a_path_is_no_address(text: str) -> None:
    assert not is_remote(text)


def test_credentials_are_not_shown() -> None:
    assert shown_address("https://me:secret@git.example/a/b?ref=x") == "https://git.example/a/b?ref=x"


@dataclass
class Answers:
    """Files and repositories by address; an error is raised instead of given."""

    files: Mapping[str, bytes | errors.BuildError] = field(default_factory=dict)
    repositories: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    lacking: bool = False

    def file(self, url: str) -> bytes:
        found = self.files.get(url)
        if found is None:
            if self.lacking:
                raise RemoteNeeded(frozenset({url}))
            raise errors.RemoteFailed("the server answered 404")
        if isinstance(found, errors.BuildError):
            raise found
        return found

    def directory(self, address: GitAddress) -> RemoteDirectory:
        if address.url not in self.repositories:
            if self.lacking:
                raise RemoteNeeded(frozenset({address}))
            raise errors.RemoteFailed("no such repository")
        return RemoteDirectory(MemoryTree(self.repositories[address.url]), f"/{address.directory}")


def config_map(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def names(kustomization: str, answers: Answers, **files: str) -> list[str]:
    tree = MemoryTree({"kustomization.yaml": kustomization, **files})
    result = build(tree, "/", Options(remotes=answers))
    return [built.object["metadata"]["name"] for built in result.objects]


REPOSITORY = "https://git.example/a/b"
BASE = {"dir/kustomization.yaml": "resources: [../c.yaml]\nnamePrefix: p-\n", "c.yaml": config_map("c")}


def test_files_and_repositories_take_part_in_a_build() -> None:
    answers = Answers({"https://x.example/f.yaml": config_map("f").encode()}, {REPOSITORY: BASE})
    kustomization = f"resources: [https://x.example/f.yaml, '{REPOSITORY}//dir']\n"
    with pytest.raises(errors.PathForbidden):
        names(kustomization, answers)  # ../c.yaml lies outside of the base's root
    flat = {"dir/kustomization.yaml": "resources: [c.yaml]\nnamePrefix: p-\n", "dir/c.yaml": config_map("c")}
    assert names(kustomization, Answers(answers.files, {REPOSITORY: flat})) == ["f", "p-c"]


def test_a_web_page_at_the_address_of_a_repository_is_no_file() -> None:
    page = {f"{REPOSITORY}": b"<!DOCTYPE html>\n<p>: a page\n"}
    flat = {"kustomization.yaml": "resources: [c.yaml]\n", "c.yaml": config_map("c")}
    assert names(f"resources: ['{REPOSITORY}']\n", Answers(page, {REPOSITORY: flat})) == ["c"]
    with pytest.raises(
        errors.RemoteFailed, match=r"git\.example/a/b.*and as a repository: no such repository"
    ):
        names(f"resources: ['{REPOSITORY}']\n", Answers(page))


def test_all_that_is_missing_is_asked_for_at_once() -> None:
    kustomization = (
        f"resources: [https://x.example/o/f.yaml, '{REPOSITORY}']\ncomponents: ['git@x.example:c/c']\n"
    )
    with pytest.raises(RemoteNeeded) as needed:
        names(kustomization, Answers(lacking=True))
    assert needed.value.wanted == {
        "https://x.example/o/f.yaml",
        REPOSITORY,
        GitAddress("ssh://git@x.example/c/c"),
    }


def test_components_and_files_of_fields_may_lie_elsewhere() -> None:
    component = {
        "kustomization.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\nnameSuffix: -s\n"
    }
    answers = Answers({"https://x.example/p.yaml": b"x"}, {REPOSITORY: component})
    kustomization = f"components: ['{REPOSITORY}']\nconfigMapGenerator: [{{name: g, files: ['https://x.example/p.yaml']}}]\n"
    (name,) = names(kustomization, answers)
    assert name.startswith("g-s-")


def test_a_repository_that_names_itself_is_a_cycle_and_a_chain_has_an_end() -> None:
    itself = {"kustomization.yaml": f"resources: ['git::{REPOSITORY}']\n"}
    with pytest.raises(errors.CycleFound, match="cycle detected"):
        names(f"resources: ['git::{REPOSITORY}']\n", Answers({}, {REPOSITORY: itself}))
    chain = {
        f"https://git.example/a/r{n}": {
            "kustomization.yaml": f"resources: ['git::https://git.example/a/r{n + 1}']\n"
        }
        for n in range(30)
    }
    tree = MemoryTree({"kustomization.yaml": "resources: ['git::https://git.example/a/r0']\n"})
    with pytest.raises(errors.LimitExceeded, match="nested more than 9 levels"):
        build(tree, "/", Options(limits=Limits(depth=9), remotes=Answers({}, chain)))


def test_the_size_of_what_is_fetched_counts() -> None:
    answers = Answers({"https://x.example/f.yaml": config_map("f").encode() + b"#" * 100})
    tree = MemoryTree({"kustomization.yaml": "resources: [https://x.example/f.yaml]\n"})
    with pytest.raises(errors.LimitExceeded):
        build(tree, "/", Options(limits=Limits(total_bytes=100), remotes=answers))


def test_origins_name_the_repository() -> None:
    flat = {"d/kustomization.yaml": "resources: [c.yaml]\n", "d/c.yaml": config_map("c")}
    tree = MemoryTree(
        {"kustomization.yaml": f"resources: ['{REPOSITORY}/d?ref=v1']\nbuildMetadata: [originAnnotations]\n"}
    )
    (built,) = build(tree, "/", Options(remotes=Answers({}, {REPOSITORY: flat}))).objects
    assert built.object["metadata"]["annotations"]["config.kubernetes.io/origin"] == (
        f"path: d/c.yaml\nrepo: {REPOSITORY}\nref: v1\n"
    )
