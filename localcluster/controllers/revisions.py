"""ControllerRevisions: what the template of a StatefulSet or DaemonSet was, for rolling out and undoing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from localcluster.controllers.access import REVISION, Access
from localcluster.controllers.ownership import Owned, reference_to
from localcluster.controllers.templates import hash_of
from localcluster.store.revision import Obj

HASH_LABEL = "controller-revision-hash"


@dataclass(frozen=True, slots=True)
class Wanted:
    """The revision of the present template, and all that are kept, oldest first."""

    newest: Obj
    all: list[Obj]

    @property
    def hash(self) -> str:
        label: str = self.newest["metadata"]["labels"][HASH_LABEL]
        return label

    @property
    def name(self) -> str:
        name: str = self.newest["metadata"]["name"]
        return name


class Revisions:
    """Keeps the revisions of one kind's objects."""

    def __init__(self, access: Access, owned: Owned) -> None:
        self._access = access
        self._owned = owned

    def record(self, owner: Obj) -> Wanted:
        """Make sure that the present template has a revision with the highest number."""
        kept = sorted(self._owned.objects(owner["metadata"]["uid"]), key=_number)
        data = {"spec": {"template": {**owner["spec"]["template"], "$patch": "replace"}}}
        mark = hash_of(data)
        name = f"{owner['metadata']['name']}-{mark}"
        found = next((each for each in kept if each["metadata"]["name"] == name), None)
        latest = _number(kept[-1]) if kept else 0
        if found is None:
            found = self._access.create(_revision(owner, name, mark, data, latest + 1))
            kept.append(found)
        elif _number(found) < latest:
            found = self._access.change(
                REVISION,
                (owner["metadata"]["namespace"], name),
                lambda obj: obj.update(revision=latest + 1),
            )
            kept = [*(each for each in kept if each["metadata"]["name"] != name), found]
        return Wanted(found, kept)

    def forget(self, owner: Obj, wanted: Wanted, in_use: Iterable[str]) -> None:
        """Delete revisions beyond the history limit that nothing is made of any more. `in_use`: hashes."""
        used = {wanted.hash, *in_use}
        idle = [each for each in wanted.all if each["metadata"]["labels"].get(HASH_LABEL) not in used]
        surplus = len(idle) - owner["spec"].get("revisionHistoryLimit", 10)
        for each in idle[: max(surplus, 0)]:
            self._access.delete(REVISION, (each["metadata"]["namespace"], each["metadata"]["name"]))


def template_of(revision: Obj) -> Obj:
    template = revision["data"]["spec"]["template"]
    return {key: value for key, value in template.items() if key != "$patch"}


def _number(revision: Obj) -> int:
    number: int = revision["revision"]
    return number


def _revision(owner: Obj, name: str, mark: str, data: Obj, number: int) -> Obj:
    labels = (owner["spec"]["template"].get("metadata") or {}).get("labels") or {}
    return {
        "apiVersion": REVISION.api_version,
        "kind": REVISION.name,
        "metadata": {
            "name": name,
            "namespace": owner["metadata"]["namespace"],
            "labels": {**labels, HASH_LABEL: mark},
            "ownerReferences": [reference_to(owner)],
        },
        "data": data,
        "revision": number,
    }
