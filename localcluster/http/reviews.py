"""Kinds that are created to ask or to act, and never stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

from localcluster import rules
from localcluster.http.answer import Answer
from localcluster.http.body import media_type, read_body
from localcluster.http.decoding import decode_object
from localcluster.http.options import read_write_options
from localcluster.status import success
from localcluster.subresources.pods import bind

if TYPE_CHECKING:
    from localcluster.cluster import Cluster
    from localcluster.http.exchange import Exchange
    from localcluster.verbs.call import Call


async def answer_review(cluster: Cluster, exchange: Exchange, call: Call) -> Answer:
    """A review with its status filled in, or (for a Binding) the outcome."""
    options = read_write_options(exchange.request.query, exchange.dry_run(), "CreateOptions")
    body = await read_body(exchange.request)
    content = media_type(exchange.request.headers.get("Content-Type"))
    obj = decode_object(call.resource, body, content, options.validation, call.warnings)
    if call.resource.kind == "Binding":
        pods = cluster.registry.find("", "v1", "pods")
        assert pods is not None
        await bind(cluster, call.of(pods, obj["metadata"].get("name", "")), obj, options)
        await cluster.store.durable()
        return Answer(success(code=201), 201)
    rules.track(call.resource, None, obj, options.manager or call.manager, "")
    cluster.reviews.answer(call, obj)
    return Answer(obj, 201)
