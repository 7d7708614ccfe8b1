"""Requests about objects: from method and body to a verb, and from its result to an answer."""

from __future__ import annotations

import asyncio

import orjson
from aiohttp import web

from localcluster.cluster import Cluster
from localcluster.http.accept import Accepted, Form, accepted
from localcluster.http.answer import Answer
from localcluster.http.body import media_type, read_body
from localcluster.http.decoding import decode_object, read_object
from localcluster.http.exchange import Exchange
from localcluster.http.options import (
    DeleteOptions,
    read_delete_options,
    read_list_options,
    read_write_options,
)
from localcluster.http.reviews import answer_review
from localcluster.http.streaming import stream
from localcluster.present import tables
from localcluster.present.rendering import list_body, partial, render, render_item
from localcluster.resources.resource import Resource
from localcluster.status import (
    Refusal,
    bad_request,
    broken,
    method_not_allowed,
    no_such_resource,
    not_found,
    not_implemented,
)
from localcluster.store.revision import Obj
from localcluster.subresources.routes import SUBRESOURCES
from localcluster.verbs import creating, deleting, reading, updating
from localcluster.verbs.call import Call
from localcluster.verbs.patching import APPLY, Patch, patch, require_supported
from localcluster.verbs.settling import copies_of, settled
from localcluster.verbs.watching import watch

_OF_ONE = (Form.TABLE, Form.METADATA)
_OF_LIST = (Form.TABLE, Form.METADATA_LIST)
_DEPRECATED = {
    ("", "componentstatuses"): "v1 ComponentStatus is deprecated in v1.19+",
    ("", "endpoints"): "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
}
_DELETED_PER_STEP = 200
_OF_COLLECTIONS = ("list", "watch", "create", "deletecollection")
_OF_OBJECTS = ("get", "update", "patch", "delete")


class ObjectRoutes:
    """One method per verb, all answering with what the client accepts."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def answer(self, exchange: Exchange, resource: Resource) -> Answer | web.StreamResponse:
        target = exchange.target
        if target.deeper and target.subresource != "proxy":
            raise no_such_resource()
        warning = deprecation_of(resource)
        if warning:
            exchange.warnings.append(warning)
        if resource.custom is not None and resource.custom.needs_webhook:
            raise not_implemented(f"conversion of {resource.kind} to {resource.version} by webhook")
        call = exchange.call(resource)
        if target.subresource:
            return await self._subresource(exchange, call)
        if target.verb not in (_OF_COLLECTIONS if target.whole else _OF_OBJECTS):
            raise method_not_allowed()
        if target.verb not in resource.verbs or (target.verb == "create" and not _may_create_here(call)):
            raise method_not_allowed()
        match target.verb:
            case "watch":
                return await self._watch(exchange, call)
            case "list":
                return self._list(exchange, call)
            case "get":
                return self._get(exchange, call)
        return await self._write(exchange, call)

    async def _write(self, exchange: Exchange, call: Call) -> Answer:
        match exchange.target.verb:
            case "create":
                return await self._create(exchange, call)
            case "update":
                return await self._update(exchange, call)
            case "patch":
                return await self._patch(exchange, call)
            case "delete":
                return await self._delete(exchange, call)
        return await self._delete_collection(exchange, call)

    def _get(self, exchange: Exchange, call: Call) -> Answer:
        form = accepted(exchange.accept, _OF_ONE).form
        version = exchange.request.query.get("resourceVersion", "")
        if version and not (version.isascii() and version.isdigit()):
            parsing = f'strconv.ParseUint: parsing "{version}": invalid syntax'
            raise broken(f'resourceVersion: Invalid value: "{version}": {parsing}')
        revision = reading.get(self._cluster.store, call)
        if form is Form.TABLE:
            metadata = {"resourceVersion": str(revision.version)}
            include = exchange.request.query.get("includeObject", "")
            return Answer(tables.table(call.resource, [revision], metadata, include))
        return Answer(render(revision, call.resource, form))

    def _list(self, exchange: Exchange, call: Call) -> Answer:
        form = accepted(exchange.accept, _OF_LIST).form
        query = exchange.request.query
        page = reading.list_page(self._cluster.store, call, read_list_options(query, watch=False))
        if form is Form.TABLE:
            metadata: Obj = {"resourceVersion": str(page.version)}
            if page.token:
                metadata["continue"] = page.token
            if page.remaining is not None:
                metadata["remainingItemCount"] = page.remaining
            return Answer(
                tables.table(call.resource, page.revisions, metadata, query.get("includeObject", ""))
            )
        one = Form.METADATA if form is Form.METADATA_LIST else Form.WHOLE
        items = [render_item(revision, call.resource, one) for revision in page.revisions]
        body = list_body(
            call.resource, one, items, version=page.version, token=page.token, remaining=page.remaining
        )
        return Answer(body)

    async def _watch(self, exchange: Exchange, call: Call) -> web.StreamResponse:
        form = accepted(exchange.accept, (Form.TABLE, Form.METADATA)).form
        options = read_list_options(exchange.request.query, watch=True)
        reading.select(call, options)
        include = exchange.request.query.get("includeObject", "")
        tables.require_include(include)
        return await stream(exchange, watch(self._cluster.store, call, options, form, include))

    async def _create(self, exchange: Exchange, call: Call) -> Answer:
        how = accepted(exchange.accept, _OF_ONE)
        if not call.resource.stored:
            return await answer_review(self._cluster, exchange, call)
        options = read_write_options(exchange.request.query, exchange.dry_run(), "CreateOptions")
        obj = await self._decode(exchange, call, options.validation)
        result = await creating.create(self._cluster.store, self._cluster.admission, call, obj, options)
        await self._cluster.store.durable()
        return self._shown(call.resource, result, how, exchange, code=201)

    async def _update(self, exchange: Exchange, call: Call) -> Answer:
        how = accepted(exchange.accept, _OF_ONE)
        options = read_write_options(exchange.request.query, exchange.dry_run(), "UpdateOptions")
        sent = await self._decode(exchange, call, options.validation)
        store, admission = self._cluster.store, self._cluster.admission
        if updating.may_be_created(call) and store.find(call.resource.collection, call.key) is None:
            self._cluster.authorizer.require_verb(exchange.user, exchange.target, "create")
        obj = copies_of(sent)
        result, created = await settled(lambda: updating.update(store, admission, call, next(obj), options))
        await store.durable()
        return self._shown(call.resource, result, how, exchange, code=201 if created else 200)

    async def _patch(self, exchange: Exchange, call: Call) -> Answer:
        how = accepted(exchange.accept, _OF_ONE)
        kind = media_type(exchange.request.headers.get("Content-Type"))
        require_supported(call.resource, kind)
        body = await read_body(exchange.request)
        cluster, query = self._cluster, exchange.request.query
        options = read_write_options(query, exchange.dry_run(), "PatchOptions", apply=kind == APPLY)

        def require_may_create() -> None:
            cluster.authorizer.require_verb(exchange.user, exchange.target, "create")

        sent = Patch(kind, body, require_may_create)
        store, admission = cluster.store, cluster.admission
        result, created = await settled(lambda: patch(store, admission, call, sent, options))
        await cluster.store.durable()
        return self._shown(call.resource, result, how, exchange, code=201 if created else 200)

    async def _decode(self, exchange: Exchange, call: Call, directive: str) -> Obj:
        body = await read_body(exchange.request)
        content = media_type(exchange.request.headers.get("Content-Type"))
        return decode_object(call.resource, body, content, directive, call.warnings)

    async def _delete(self, exchange: Exchange, call: Call) -> Answer:
        how = accepted(exchange.accept, _OF_ONE)
        options = await self._delete_options(exchange)
        result = await self._delete_one(call, options)
        await self._cluster.store.durable()
        if result.get("kind") == "Status" and result.get("apiVersion") == "v1":
            return Answer(result)
        return self._shown(call.resource, result, how, exchange)

    async def _delete_collection(self, exchange: Exchange, call: Call) -> Answer:
        form = accepted(exchange.accept, _OF_LIST).form
        listing = read_list_options(exchange.request.query, watch=False)
        options = await self._delete_options(exchange)
        page = reading.list_page(self._cluster.store, call, listing)
        one = Form.METADATA if form is Form.METADATA_LIST else Form.WHOLE
        items = [render_item(revision, call.resource, one) for revision in page.revisions]
        for number, revision in enumerate(page.revisions):
            if number % _DELETED_PER_STEP == _DELETED_PER_STEP - 1:
                await asyncio.sleep(0)
            if self._cluster.store.find(call.resource.collection, revision.key) is not None:
                try:
                    await self._delete_one(call.within(revision.key), options)
                except Refusal as refusal:
                    # Gone while webhooks were asked.
                    if refusal.code != 404:
                        raise
        await self._cluster.store.durable()
        version = self._cluster.store.version
        return Answer(list_body(call.resource, one, items, version=version, token=page.token))

    async def _delete_one(self, call: Call, options: DeleteOptions) -> Obj:
        store, admission = self._cluster.store, self._cluster.admission
        return await settled(lambda: deleting.delete(store, admission, call, options))

    async def _delete_options(self, exchange: Exchange) -> DeleteOptions:
        body = await read_body(exchange.request)
        document = None
        if body.strip():
            content = media_type(exchange.request.headers.get("Content-Type"))
            document, _ = read_object(body, content)
            if document.get("kind") not in (None, "DeleteOptions"):
                raise bad_request("expected kind DeleteOptions")
        return read_delete_options(exchange.request.query, exchange.dry_run(), document)

    def _shown(
        self, resource: Resource, obj: Obj, how: Accepted, exchange: Exchange, *, code: int = 200
    ) -> Answer:
        if how.form is Form.TABLE:
            metadata = {"resourceVersion": obj["metadata"].get("resourceVersion", "")}
            include = exchange.request.query.get("includeObject", "")
            return Answer(tables.table_of(resource, [obj], metadata, include), code)
        return Answer(orjson.dumps(partial(obj) if how.form is Form.METADATA else obj), code)

    async def _subresource(self, exchange: Exchange, call: Call) -> Answer | web.StreamResponse:
        sub = call.resource.subresource(call.subresource)
        if sub is None:
            if call.resource.custom is not None:
                raise not_found(call.resource.plural, call.resource.group, call.name)
            raise no_such_resource()
        if exchange.target.verb not in sub.verbs:
            raise method_not_allowed()
        serve = SUBRESOURCES.get(sub.name)
        if serve is not None:
            return await serve(self._cluster, exchange, call)
        match exchange.target.verb:
            case "get":
                return self._get(exchange, call)
            case "update":
                return await self._update(exchange, call)
        return await self._patch(exchange, call)


def deprecation_of(resource: Resource) -> str | None:
    """What users of a resource are told when it is to go."""
    if resource.custom is not None:
        return resource.custom.compiled.deprecation_warning
    return _DEPRECATED.get((resource.group, resource.plural))


def _may_create_here(call: Call) -> bool:
    """Namespaced objects are created in a namespace only."""
    return not call.resource.namespaced or bool(call.namespace)
