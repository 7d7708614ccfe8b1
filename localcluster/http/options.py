"""The query parameters of reads and writes, checked in the words of their option kinds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from localcluster.http.target import is_true
from localcluster.status import FieldError, Refusal, bad_request, broken, invalid

MAX_MANAGER_BYTES = 128
_GROUP = "meta.k8s.io"


@dataclass(frozen=True, slots=True)
class ListOptions:
    """A version is None where none was given; 0 stands for any."""

    label_selector: str
    field_selector: str
    limit: int
    token: str
    version: int | None
    match: str
    watch: bool
    bookmarks: bool
    send_initial_events: bool | None
    timeout_seconds: int | None


@dataclass(frozen=True, slots=True)
class WriteOptions:
    """Of a create, update or patch. `validation` is Strict, Warn or Ignore."""

    dry_run: bool
    manager: str
    validation: str
    force: bool = False

    def as_object(self, kind: str) -> dict[str, Any]:
        """As a CreateOptions or UpdateOptions, for webhooks; patches are told as one of these too."""
        options = {"kind": kind, "apiVersion": f"{_GROUP}/v1"}
        given = {
            "dryRun": ["All"] if self.dry_run else None,
            "fieldManager": self.manager,
            "fieldValidation": "" if self.validation == "Warn" else self.validation,
        }
        return options | {key: value for key, value in given.items() if value}


def read_list_options(query: Mapping[str, str], *, watch: bool) -> ListOptions:
    """Raises 422, 400 and (for a watch's version) 500 Refusals, as the genuine server does."""
    version, match = query.get("resourceVersion", ""), query.get("resourceVersionMatch", "")
    initial = query.get("sendInitialEvents")
    errors = _watch_errors(version, match, initial) if watch else _list_errors(query, version, match, initial)
    if errors:
        raise invalid("ListOptions", _GROUP, "", errors)
    return ListOptions(
        label_selector=query.get("labelSelector", ""),
        field_selector=query.get("fieldSelector", ""),
        limit=_integer(query.get("limit", "")) or 0,
        token=query.get("continue", ""),
        version=_version(version, watch=watch),
        match=match,
        watch=watch,
        bookmarks=is_true(query.get("allowWatchBookmarks")),
        send_initial_events=None if initial is None else is_true(initial),
        timeout_seconds=_integer(query.get("timeoutSeconds", "")),
    )


def _list_errors(query: Mapping[str, str], version: str, match: str, initial: str | None) -> list[FieldError]:
    errors = []
    field = "resourceVersionMatch"
    if match:
        if not version:
            errors.append(_forbidden(field, f"{field} is forbidden unless resourceVersion is provided"))
        if query.get("continue"):
            errors.append(_forbidden(field, f"{field} is forbidden when continue is provided"))
        if match not in ("Exact", "NotOlderThan"):
            supported = 'supported values: "Exact", "NotOlderThan", ""'
            text = f'Unsupported value: "{match}": {supported}'
            errors.append(FieldError(field, "FieldValueNotSupported", text))
        if match == "Exact" and version == "0":
            errors.append(_forbidden(field, f'{field} "exact" is forbidden for resourceVersion "0"'))
    if initial is not None:
        errors.append(_forbidden("sendInitialEvents", "sendInitialEvents is forbidden for list"))
    return errors


def _watch_errors(version: str, match: str, initial: str | None) -> list[FieldError]:
    del version
    field = "resourceVersionMatch"
    errors = []
    if initial is not None:
        if match != "NotOlderThan":
            errors.append(_forbidden(field, f"sendInitialEvents requires setting {field} to NotOlderThan"))
        if match not in ("", "NotOlderThan"):
            text = f'Unsupported value: "{match}": supported values: "NotOlderThan"'
            errors.append(FieldError(field, "FieldValueNotSupported", text))
    elif match:
        errors.append(
            _forbidden(field, f"{field} is forbidden for watch unless sendInitialEvents is provided")
        )
    return errors


def _forbidden(field: str, why: str) -> FieldError:
    return FieldError(field, "FieldValueForbidden", f"Forbidden: {why}")


def _integer(text: str) -> int | None:
    if not text:
        return None
    try:
        return int(text)
    except ValueError as error:
        raise bad_request(f'strconv.ParseInt: parsing "{text}": invalid syntax') from error


def _version(text: str, *, watch: bool) -> int | None:
    if not text:
        return None
    if text.isascii() and text.isdigit() and len(text) < 20:
        return int(text)
    why = f'resourceVersion: Invalid value: "{text}": strconv.ParseUint: parsing "{text}": invalid syntax'
    raise broken(why) if watch else bad_request(f"invalid resource version: {why}")


def read_write_options(
    query: Mapping[str, str], dry_run: list[str], kind: str, *, apply: bool = False
) -> WriteOptions:
    """Options of a write; `kind` is CreateOptions, UpdateOptions or PatchOptions. Raises a 422 Refusal."""
    errors = dry_run_errors(dry_run)
    manager = query.get("fieldManager", "")
    force = query.get("force")
    if kind == "PatchOptions":
        if apply and not manager:
            text = "Required value: is required for apply patch"
            errors.append(FieldError("fieldManager", "FieldValueRequired", text))
        if not apply and force is not None:
            errors.append(_forbidden("force", "may not be specified for non-apply patch"))
    errors += _manager_errors(manager)
    validation = query.get("fieldValidation", "")
    if validation not in ("", "Ignore", "Warn", "Strict"):
        text = f'Unsupported value: "{validation}": supported values: "", "Ignore", "Strict", "Warn"'
        errors.append(FieldError("fieldValidation", "FieldValueNotSupported", text))
    if errors:
        raise invalid(kind, _GROUP, "", errors)
    return WriteOptions(bool(dry_run), manager, validation or "Warn", is_true(force))


def dry_run_errors(dry_run: list[str]) -> list[FieldError]:
    if all(value == "All" for value in dry_run):
        return []
    listed = ", ".join(f'"{value}"' for value in dry_run)
    return [
        FieldError(
            "dryRun", "FieldValueNotSupported", f'Unsupported value: [{listed}]: supported values: "All"'
        )
    ]


def _manager_errors(manager: str) -> list[FieldError]:
    if len(manager.encode()) > MAX_MANAGER_BYTES:
        text = f"Too long: may not be more than {MAX_MANAGER_BYTES} bytes"
        return [FieldError("fieldManager", "FieldValueTooLong", text)]
    for at, char in enumerate(manager):
        if not char.isprintable():
            text = (
                f"Invalid value: {_quoted(manager)}: invalid character U+{ord(char):04X} (at position {at})"
            )
            return [FieldError("fieldManager", "FieldValueInvalid", text)]
    return []


def _quoted(text: str) -> str:
    """As Go's %q writes it, for the characters that matter here."""
    names = {"\t": "\\t", "\n": "\\n", "\r": "\\r", '"': '\\"', "\\": "\\\\"}
    return '"' + "".join(names.get(c, c if c.isprintable() else f"\\x{ord(c):02x}") for c in text) + '"'


@dataclass(frozen=True, slots=True)
class DeleteOptions:
    """Of a delete, from its body and its query. A grace period is None where none was given."""

    dry_run: bool = False
    grace_seconds: int | None = None
    uid: str | None = None
    version: str | None = None
    propagation: str | None = None

    def as_object(self) -> dict[str, Any]:
        """As webhooks are told of it."""
        conditions = {"uid": self.uid, "resourceVersion": self.version}
        given = {
            "gracePeriodSeconds": self.grace_seconds,
            "preconditions": {key: value for key, value in conditions.items() if value} or None,
            "propagationPolicy": self.propagation,
            "dryRun": ["All"] if self.dry_run else None,
        }
        options: dict[str, Any] = {"kind": "DeleteOptions", "apiVersion": f"{_GROUP}/v1"}
        return options | {key: value for key, value in given.items() if value is not None}


_POLICIES = ("Foreground", "Background", "Orphan")


def read_delete_options(
    query: Mapping[str, str], dry_run: list[str], body: dict[str, Any] | None
) -> DeleteOptions:
    """The body's options where there is one, else the query's; raises a 422 Refusal."""
    given: dict[str, Any] = dict(body) if body else {}
    if not body:
        for name in ("gracePeriodSeconds", "orphanDependents", "propagationPolicy"):
            if name in query:
                given[name] = query[name]
        if dry_run:
            given["dryRun"] = dry_run
    errors = dry_run_errors(given.get("dryRun") or [])
    policy, orphan = given.get("propagationPolicy"), given.get("orphanDependents")
    errors += _policy_errors(policy, orphan)
    if errors:
        raise invalid("DeleteOptions", _GROUP, "", errors)
    if orphan is not None:
        policy = "Orphan" if orphan is True or (isinstance(orphan, str) and is_true(orphan)) else "Background"
    grace = given.get("gracePeriodSeconds")
    conditions = given.get("preconditions") or {}
    return DeleteOptions(
        dry_run=bool(given.get("dryRun")),
        grace_seconds=None if grace is None else max(_seconds(grace), 0),
        uid=conditions.get("uid"),
        version=conditions.get("resourceVersion"),
        propagation=policy,
    )


def _policy_errors(policy: Any, orphan: Any) -> list[FieldError]:
    field = "propagationPolicy"
    if policy is not None and orphan is not None:
        text = f'Invalid value: "{policy}": orphanDependents and deletionPropagation cannot be both set'
        return [FieldError(field, "FieldValueInvalid", text)]
    if policy is not None and policy not in _POLICIES:
        supported = 'supported values: "Foreground", "Background", "Orphan", "nil"'
        return [FieldError(field, "FieldValueNotSupported", f'Unsupported value: "{policy}": {supported}')]
    return []


def _seconds(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError) as error:
        raise _bad_grace(value) from error


def _bad_grace(value: Any) -> Refusal:
    return bad_request(f"gracePeriodSeconds is not a number: {value!r}")
