"""One request on its way: what was asked, by whom, and the warnings gathered for the answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from localcluster.auth.users import User
from localcluster.http.target import Target
from localcluster.resources.resource import Resource
from localcluster.verbs.call import Call

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest


@dataclass(frozen=True, slots=True)
class Exchange:
    request: BaseRequest
    target: Target
    user: User
    warnings: list[str]

    @property
    def accept(self) -> str:
        return self.request.headers.get("Accept", "")

    def dry_run(self) -> list[str]:
        return list(self.request.query.getall("dryRun", []))

    def call(self, resource: Resource) -> Call:
        return Call(
            resource=resource,
            user=self.user,
            namespace=self.target.namespace if resource.namespaced else "",
            name=self.target.name,
            subresource=self.target.subresource,
            manager=manager_of(self.request.headers.get("User-Agent", "")),
            warnings=self.warnings,
        )


def manager_of(user_agent: str) -> str:
    """The field manager of a client that names none: its user agent up to the first slash."""
    name = user_agent.partition("/")[0][:128]
    return "".join(char for char in name if char.isprintable()) or "unknown"
