"""One object on its way through a build: its value, the names it had, and where it came from."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from shared.kustomize.errors import LimitExceeded
from shared.kustomize.resid import Gvk, ResId, effective_namespace, parse_api_version
from shared.logic.go_spelling import scalar_text

if TYPE_CHECKING:
    from shared.kustomize.shared_texts import SharedText

LOCAL_CONFIG = "config.kubernetes.io/local-config"


class Source(NamedTuple):
    """The file that an object began in, and its first line there; 0 where it was generated."""

    path: str
    line: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" if self.line else self.path


class PreviousName(NamedTuple):
    name: str
    namespace: str
    kind: str


class Resource:
    """An object that transformers change in place. `obj` is empty once a patch has deleted it."""

    __slots__ = (
        "behavior",
        "needs_hash",
        "obj",
        "overlays",
        "prefixes",
        "previous",
        "shared",
        "source",
        "suffixes",
        "variable_names",
    )

    def __init__(self, obj: dict[str, Any], source: Source) -> None:
        self.obj = obj
        self.source = source
        # The kustomization files that the object went through, innermost first.
        self.overlays: tuple[str, ...] = ()
        # Every earlier name, oldest first: patches and references may use any of them.
        self.previous: list[PreviousName] = []
        self.prefixes: list[str] = []
        self.suffixes: list[str] = []
        self.behavior = ""
        self.needs_hash = False
        self.variable_names: list[str] = []
        # Labels that stand in several places and change together.
        self.shared: list[SharedText] = []

    @property
    def api_version(self) -> str:
        return scalar_text(self.obj.get("apiVersion", ""))

    @property
    def kind(self) -> str:
        return scalar_text(self.obj.get("kind", ""))

    @property
    def gvk(self) -> Gvk:
        return Gvk(*parse_api_version(self.api_version), self.kind)

    @property
    def metadata(self) -> dict[str, Any]:
        """The object's metadata; a mapping of its own where there is none."""
        metadata = self.obj.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @property
    def name(self) -> str:
        name = self.metadata.get("name", "")
        return "" if isinstance(name, dict | list) else scalar_text(name)

    @property
    def namespace(self) -> str:
        namespace = self.metadata.get("namespace")
        return namespace if isinstance(namespace, str) else ""

    @property
    def id(self) -> ResId:
        api_version, kind = self.api_version, self.kind
        gvk = Gvk(*parse_api_version(api_version), kind)
        return ResId(gvk, self.name, effective_namespace(api_version, kind, self.namespace))

    @property
    def previous_ids(self) -> list[ResId]:
        """Ids under the earlier names and kinds, in today's API version."""
        group, version = parse_api_version(self.api_version)
        return [ResId(Gvk(group, version, old.kind), old.name, old.namespace) for old in self.previous]

    @property
    def original_id(self) -> ResId:
        return self.previous_ids[0] if self.previous else self.id

    def ids(self) -> Iterator[ResId]:
        """Earlier ids, oldest first, then the present one."""
        yield from self.previous_ids
        yield self.id

    def remember_name(self) -> None:
        """Store the present name before it may change."""
        present = self.id
        self.previous.append(PreviousName(present.name, present.namespace, present.gvk.kind))

    def text_map(self, field: str) -> dict[str, str]:
        """The labels or annotations as texts, whatever their types in the file."""
        found = self.metadata.get(field)
        if not isinstance(found, dict):
            return {}
        return {
            key: "" if isinstance(value, dict | list) else scalar_text(value) for key, value in found.items()
        }

    def set_text_map(self, field: str, values: dict[str, str]) -> None:
        """Replace labels or annotations; an empty map removes the field."""
        metadata = self.obj.setdefault("metadata", {})
        if values:
            metadata[field] = values
        else:
            metadata.pop(field, None)

    def set_name(self, name: str) -> None:
        self.obj.setdefault("metadata", {})["name"] = name

    def set_namespace(self, namespace: str) -> None:
        if namespace:
            self.obj.setdefault("metadata", {})["namespace"] = namespace
        else:
            self.metadata.pop("namespace", None)

    def shown(self) -> str:
        """`Deployment/web in apps/base/deploy.yaml:12`, for messages."""
        namespace = self.namespace
        place = f"{namespace}/" if namespace else ""
        return f"{self.kind}/{place}{self.name} in {self.source}"


# Copies of copies double; what a build copies at once stays far below this.
_MOST_COPIED = 200_000


def copied_within_bounds(value: Any) -> Any:
    """A copy of a value that may hold copies of itself already. Raises LimitExceeded."""
    waiting, count = [value], 0
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict | list):
            count += len(item)
            if count > _MOST_COPIED:
                raise LimitExceeded(f"a copy of more than {_MOST_COPIED} values")
            waiting.extend(item.values() if isinstance(item, dict) else item)
    return copied(value)


def copied(value: Any) -> Any:
    """A copy of a JSON value that shares no mapping or list with it."""
    if isinstance(value, dict):
        return {key: copied(item) for key, item in value.items()}
    if isinstance(value, list):
        return [copied(item) for item in value]
    return value
