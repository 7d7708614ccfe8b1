"""Which subresources have code of their own; the others are plain reads and writes of the object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from aiohttp import web

    from localcluster.cluster import Cluster
    from localcluster.http.answer import Answer
    from localcluster.http.exchange import Exchange
    from localcluster.verbs.call import Call

    Serve = Callable[[Cluster, Exchange, Call], Awaitable[Answer | web.StreamResponse]]

SUBRESOURCES: dict[str, Serve] = {}
