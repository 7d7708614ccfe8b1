"""Which subresources have code of their own; the others are plain reads and writes of the object."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from localcluster.cluster import Cluster
from localcluster.http.answer import Answer
from localcluster.http.exchange import Exchange
from localcluster.subresources.pods import serve_binding, serve_eviction, serve_log, serve_unavailable
from localcluster.subresources.scale import serve_scale
from localcluster.subresources.tokens import serve_token
from localcluster.verbs.call import Call

Serve = Callable[[Cluster, Exchange, Call], Awaitable[Answer]]

SUBRESOURCES: dict[str, Serve] = {
    "attach": serve_unavailable,
    "binding": serve_binding,
    "eviction": serve_eviction,
    "exec": serve_unavailable,
    "log": serve_log,
    "portforward": serve_unavailable,
    "proxy": serve_unavailable,
    "scale": serve_scale,
    "token": serve_token,
}
