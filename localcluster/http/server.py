"""The HTTP face of a cluster: authenticate, authorize, find what is meant, do it, answer."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from aiohttp import web

from localcluster.auth.certified import user_of_connection
from localcluster.auth.impersonate import impersonate
from localcluster.cluster import Cluster
from localcluster.http.accept import errors_in
from localcluster.http.answer import Answer, respond
from localcluster.http.exchange import Exchange
from localcluster.http.metrics import RequestMetrics
from localcluster.http.objects import ObjectRoutes
from localcluster.http.pages import Pages
from localcluster.http.streaming import PIECE_BYTES, send_in_pieces
from localcluster.http.target import read_target
from localcluster.status import Refusal, internal, method_not_allowed, no_such_resource

if TYPE_CHECKING:
    from aiohttp.web import BaseRequest

log = logging.getLogger("localcluster")


class ApiServer:
    """Handles every request."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._metrics = RequestMetrics()
        self._pages = Pages(cluster, self._metrics)
        self._objects = ObjectRoutes(cluster)

    async def handle(self, request: BaseRequest) -> web.StreamResponse:
        warnings: list[str] = []
        answer: Answer | web.StreamResponse
        try:
            exchange = self._open(request, warnings)
            answer = await self._answer(exchange)
        except Refusal as refusal:
            answer = Answer(refusal.body(), refusal.code)
        except Exception:
            log.exception("request_failed method=%s path=%s", request.method, request.path)
            failure = internal("see the server's log")
            answer = Answer(failure.body(), failure.code)
        if isinstance(answer, web.StreamResponse):
            return answer
        self._metrics.count(request.method, answer.code)
        return await _respond(request, answer, warnings)

    def _open(self, request: BaseRequest, warnings: list[str]) -> Exchange:
        path, _, _ = request.raw_path.partition("?")
        target = read_target(request.method, path, request.query)
        certified = user_of_connection(request.transport)
        user = self._cluster.authenticator.authenticate(request.headers.get("Authorization", ""), certified)
        user = impersonate(user, request.headers, self._cluster.authorizer)
        self._cluster.authorizer.require(user, target)
        return Exchange(request, target, user, warnings)

    async def _answer(self, exchange: Exchange) -> Answer | web.StreamResponse:
        target = exchange.target
        if not target.is_resource:
            return await self._pages.answer(exchange)
        resource = self._cluster.registry.find(target.group, target.version, target.resource)
        if resource is None or (
            target.namespace and not resource.namespaced and target.resource != "namespaces"
        ):
            return self._unknown(target.group)
        if exchange.request.method in ("HEAD", "OPTIONS"):
            raise method_not_allowed()
        return await self._objects.answer(exchange, resource)

    def _unknown(self, group: str) -> Answer:
        if self._cluster.registry.is_builtin_group(group):
            raise no_such_resource()
        return Answer("404 page not found\n", 404)


async def _respond(request: BaseRequest, answer: Answer, warnings: list[str]) -> web.StreamResponse:
    accept = request.headers.get("Accept", "")
    response = await respond(
        answer,
        errors_in(accept),
        pretty=_wants_pretty(request),
        gzip_accepted="gzip" in request.headers.get("Accept-Encoding", ""),
        warnings=warnings,
    )
    if isinstance(response.body, bytes) and len(response.body) > PIECE_BYTES:
        return await send_in_pieces(request, response)
    return response


def _wants_pretty(request: BaseRequest) -> bool:
    return request.query.get("pretty", "0") not in ("0", "false", "")
