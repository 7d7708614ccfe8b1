"""get and list: objects as they are, or as they were, in pages of one consistent snapshot."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from localcluster.http.options import ListOptions
from localcluster.selectors import fields, labels
from localcluster.status import FieldError, Refusal, bad_request, expired, not_found
from localcluster.store.revision import Key, Revision
from localcluster.store.store import Compacted, Store, listed_as
from localcluster.verbs.call import Call

_SNAPSHOT_GONE = (
    "The provided continue parameter is too old to display a consistent list result. You can start a new "
    "list without the continue parameter, or use the continue token in this response to retrieve the "
    "remainder of the results. Continuing with the provided token results in an inconsistent list - objects "
    "that were created, modified, or deleted between the time the first chunk was returned and now may show "
    "up in the list."
)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which objects of a collection a list, a watch or a collective deletion is about."""

    namespace: str
    labels: labels.LabelSelector
    fields: fields.FieldSelector

    def matches(self, revision: Revision) -> bool:
        return (
            (not self.namespace or revision.key[0] == self.namespace)
            and (not self.labels.requirements or self.labels.matches(revision.labels))
            and (not self.fields.requirements or self.fields.matches(revision))
        )

    @property
    def selective(self) -> bool:
        return bool(self.labels.requirements or self.fields.requirements)


@dataclass(frozen=True, slots=True)
class Page:
    """Part of a list: `token` continues it, `remaining` is known only without selectors."""

    revisions: Sequence[Revision]
    version: int
    token: str = ""
    remaining: int | None = None


def get(store: Store, call: Call) -> Revision:
    revision = store.find(call.resource.collection, call.key)
    if revision is None:
        raise not_found(call.resource.plural, call.resource.group, call.name)
    return revision


def select(call: Call, options: ListOptions) -> Selection:
    """Raises 400 for selectors that can't be read."""
    return Selection(
        call.namespace if call.resource.namespaced else "",
        labels.parse_labels(options.label_selector),
        fields.parse_fields(options.field_selector, call.resource),
    )


def list_page(store: Store, call: Call, options: ListOptions) -> Page:
    selection = select(call, options)
    at, after = _position(store, options)
    try:
        revisions = store.snapshot(call.resource.collection, selection.namespace, at)
    except Compacted as error:
        raise _gone(str(error), continued=bool(options.token)) from error
    if after is not None:
        revisions = [revision for revision in revisions if listed_as(revision.key) > listed_as(after)]
    chosen = [r for r in revisions if selection.matches(r)] if selection.selective else revisions
    version = store.version if at is None else at
    if not options.limit or len(chosen) <= options.limit:
        return Page(chosen, version)
    page = chosen[: options.limit]
    remaining = None if selection.selective else len(chosen) - options.limit
    return Page(page, version, _token(version, page[-1].key), remaining)


def _position(store: Store, options: ListOptions) -> tuple[int | None, Key | None]:
    """At which version to read (None: now), and after which key."""
    if options.token:
        if options.version:
            raise bad_request("specifying resource version is not allowed when using continue")
        return _read_token(options.token, store.version)
    if options.version and options.version > store.version:
        raise _future(options.version, store.version)
    if options.match == "Exact" or (options.version and options.limit and not options.match):
        return options.version, None
    return None, None


def _future(asked: int, present: int) -> Refusal:
    cause = FieldError("", "ResourceVersionTooLarge", "Too large resource version")
    message = f"Too large resource version: {asked}, current: {present}"
    details = {"causes": [{"reason": cause.reason, "message": cause.message}], "retryAfterSeconds": 1}
    return Refusal(504, "Timeout", f"Timeout: {message}", details)


def _gone(message: str, *, continued: bool) -> Refusal:
    if continued:
        return expired(_SNAPSHOT_GONE)
    return expired(f"The resourceVersion for the provided list is too old: {message}")


def _token(version: int, key: Key) -> str:
    token = {"v": "meta.k8s.io/v1", "rv": version, "start": "/".join(key) + "\0"}
    return base64.urlsafe_b64encode(orjson.dumps(token)).decode().rstrip("=")


def _read_token(token: str, newest: int) -> tuple[int, Key]:
    try:
        decoded = orjson.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
    except (binascii.Error, ValueError) as error:
        raise bad_request("continue key is not valid: illegal base64 data or content") from error
    fields = decoded if isinstance(decoded, dict) else {}
    version, start = fields.get("rv"), fields.get("start")
    if fields.get("v") != "meta.k8s.io/v1" or type(version) is not int or not isinstance(start, str):
        raise bad_request("continue key is not valid: unknown format")
    namespace, slash, name = start.rstrip("\0").rpartition("/")
    if not slash or not 0 < version <= newest:
        raise bad_request("continue key is not valid: version or start out of range")
    return version, (namespace, name)
