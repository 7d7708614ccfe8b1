"""A panic in a library written in Rust, as an error like any other.

It arrives as a BaseException whose class cannot be imported: let through, one document made to
overflow a capacity (seen with OpenPGP messages) would end the process for all.
"""

from __future__ import annotations

from types import TracebackType

from controllers.kustomize.sops.errors import SopsError

_PANIC = "PanicException"


class Contained:
    """`with Contained(DataKeyUnavailable("…")):` raises that error in place of a panic."""

    __slots__ = ("_instead",)

    def __init__(self, instead: SopsError) -> None:
        self._instead = instead

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is not None and kind.__name__ == _PANIC:
            raise self._instead from error
