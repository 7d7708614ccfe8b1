"""Which alerts want an event: pure but for the labels, fetched by the caller (specs/notification.md 8.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from controllers.notification.event import INFO, Event
from shared.model.notification import ANY, Alert, SourceRef

_MAX_EXPRESSION = 8_192


@dataclass(frozen=True, slots=True)
class Listed:
    """Whether the message passes an alert's lists; `problems` tells of expressions that do not compile."""

    passes: bool
    problems: tuple[str, ...] = ()


def sources_of(alert: Alert, event: Event) -> list[SourceRef]:
    """The sources that fit in all but labels; none when the alert does not want the severity."""
    if alert.suspend or alert.severity not in {INFO, event.severity}:
        return []
    return [
        source
        for source in alert.sources
        if (source.kind, source.namespace) == (event.kind, event.namespace)
        and source.name in {ANY, event.name}
    ]


def carries(labels: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    """Every wanted pair is among the labels."""
    return all(labels.get(key) == value for key, value in wanted.items())


def check_lists(alert: Alert, message: str) -> Listed:
    """Matches one inclusion (when there are any) and no exclusion.

    An expression that does not compile counts as not written, so that a list of nothing else matches nothing.
    """
    included, problems = _any(alert.inclusion, message, "inclusion")
    excluded, more = _any(alert.exclusion, message, "exclusion")
    return Listed((included or not alert.inclusion) and not excluded, (*problems, *more))


def _any(expressions: Sequence[str], message: str, what: str) -> tuple[bool, list[str]]:
    found, problems = False, []
    for expression in expressions:
        compiled = _compile(expression)
        if compiled is None:
            problems.append(f"failed to compile {what} regex: {expression[:256]}")
        else:
            found = found or compiled.search(message) is not None
    return found, problems


@lru_cache(maxsize=512)
def _compile(expression: str) -> Any:
    """None when it is no RE2 expression. RE2 takes linear time whatever the expression is."""
    import re2

    if len(expression) > _MAX_EXPRESSION:
        return None
    options = re2.Options()
    options.log_errors = False
    try:
        return re2.compile(expression, options)
    except re2.error:
        return None
