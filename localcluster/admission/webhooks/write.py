"""A write that is on its way to the store, as webhooks are asked about it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from localcluster.store.revision import Obj
from localcluster.verbs.call import Call

CREATE, UPDATE, DELETE = "CREATE", "UPDATE", "DELETE"
_ADMISSION_GROUP = "admissionregistration.k8s.io"


@dataclass(frozen=True, slots=True)
class Write:
    """`obj` is None for a deletion, `old` for a creation; `options` is the options object of the verb."""

    call: Call
    operation: str
    obj: Obj | None
    old: Obj | None
    options: Obj
    dry_run: bool

    @property
    def subject(self) -> Obj:
        """The object that the write leaves, or takes away."""
        subject = self.obj if self.obj is not None else self.old
        assert subject is not None
        return subject

    def with_object(self, obj: Obj | None) -> Write:
        """The same write with what has become of its object."""
        return self if obj is self.obj else replace(self, obj=obj)

    @property
    def name(self) -> str:
        given: str = self.call.name or self.subject["metadata"].get("name", "")
        return given

    @property
    def is_exempt(self) -> bool:
        """Whether nobody is asked, lest a broken webhook could never be taken away."""
        return self.call.resource.group == _ADMISSION_GROUP
