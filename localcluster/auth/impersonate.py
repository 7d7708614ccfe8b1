"""Acting as somebody else, where one may: the Impersonate-* headers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING
from urllib.parse import unquote

from localcluster.auth.users import (
    ANONYMOUS,
    AUTHENTICATED,
    UNAUTHENTICATED,
    User,
    account_groups,
    account_of,
)
from localcluster.http.target import Target
from localcluster.status import bad_request

if TYPE_CHECKING:
    from multidict import CIMultiDictProxy

    from localcluster.auth.rbac import Authorizer

_PREFIX = "impersonate-"
_EXTRA = "impersonate-extra-"


def impersonate(user: User, headers: CIMultiDictProxy[str], authorizer: Authorizer) -> User:
    """The user to act as; raises 400 for headers without a user, 403 where it may not be done."""
    if not any(name.lower().startswith(_PREFIX) for name in headers):
        return user
    name = headers.get("Impersonate-User", "")
    groups = list(headers.getall("Impersonate-Group", []))
    uid = headers.get("Impersonate-Uid", "")
    extra = _extra(headers)
    if not name:
        raise bad_request(f"requested [{_listed(groups, extra)}] without impersonating a user name")
    account = account_of(name)
    if account is not None:
        authorizer.require(user, _may("serviceaccounts", account[1], namespace=account[0]))
    else:
        authorizer.require(user, _may("users", name))
    for group in groups:
        authorizer.require(user, _may("groups", group))
    if uid:
        authorizer.require(user, _may("uids", uid, group="authentication.k8s.io"))
    for key, values in extra.items():
        for value in values:
            target = _may("userextras", value, group="authentication.k8s.io", subresource=key)
            authorizer.require(user, target)
    return User(name, tuple(_with_implied(name, groups, account)), uid, extra)


def _with_implied(name: str, groups: list[str], account: tuple[str, str] | None) -> list[str]:
    if not groups and account is not None:
        groups = [*account_groups(account[0])]
    if name == ANONYMOUS.name:
        return [*groups, UNAUTHENTICATED] if UNAUTHENTICATED not in groups else groups
    return groups if AUTHENTICATED in groups or UNAUTHENTICATED in groups else [*groups, AUTHENTICATED]


def _extra(headers: CIMultiDictProxy[str]) -> dict[str, list[str]]:
    extra: dict[str, list[str]] = {}
    for header, value in headers.items():
        if header.lower().startswith(_EXTRA):
            extra.setdefault(unquote(header[len(_EXTRA) :]).lower(), []).append(value)
    return extra


def _listed(groups: list[str], extra: Mapping[str, list[str]]) -> str:
    return " ".join([*groups, *extra])


def _may(resource: str, name: str, *, namespace: str = "", group: str = "", subresource: str = "") -> Target:
    return Target(
        verb="impersonate",
        path="",
        is_resource=True,
        group=group,
        version="v1",
        resource=resource,
        subresource=subresource,
        namespace=namespace,
        name=name,
    )
