"""serviceaccounts/token: a TokenRequest is answered with a token."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from localcluster import rules
from localcluster.auth.tokens import ISSUER, Bound
from localcluster.clock import now, stamp
from localcluster.http.answer import Answer
from localcluster.http.body import media_type, read_body
from localcluster.http.decoding import read_object
from localcluster.http.options import read_write_options
from localcluster.resources.resource import Resource
from localcluster.status import FieldError, bad_request, conflict, invalid, not_found
from localcluster.verbs.reading import get

if TYPE_CHECKING:
    from localcluster.cluster import Cluster
    from localcluster.http.exchange import Exchange
    from localcluster.store.revision import Obj, Revision
    from localcluster.verbs.call import Call

DEFAULT_SECONDS = 3600
SHORTEST_SECONDS = 600
_LONGEST_SECONDS = 1 << 32
_BINDABLE = {"Pod": "pods", "Secret": "secrets"}
_REQUEST = Resource(
    group="authentication.k8s.io",
    version="v1",
    plural="serviceaccounts",
    kind="TokenRequest",
    singular="",
    namespaced=True,
    collection="",
)


async def serve_token(cluster: Cluster, exchange: Exchange, call: Call) -> Answer:
    """Raises 404 for an unknown account, 422 for a duration that is too short."""
    options = read_write_options(exchange.request.query, exchange.dry_run(), "CreateOptions")
    body = await read_body(exchange.request)
    content = media_type(exchange.request.headers.get("Content-Type"))
    sent, duplicates = read_object(body, content)
    if sent.get("kind", "TokenRequest") != "TokenRequest":
        raise bad_request(f'{sent.get("kind")} in version "v1" cannot be handled as a TokenRequest')
    sent = {**sent, "apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest"}
    request = rules.decode(_REQUEST, sent, duplicates, options.validation, call.warnings)
    request.setdefault("metadata", {})
    rules.track(_REQUEST, None, request, options.manager or call.manager, "token")
    account = get(cluster.store, call)
    _complete(request, call, account)
    _require_valid(request["spec"])
    spec = request["spec"]
    token = cluster.tokens.issue(
        (call.namespace, call.name, account.uid),
        spec["audiences"],
        seconds=spec["expirationSeconds"],
        bound=_bound(cluster, call, spec.get("boundObjectRef")),
    )
    expires = now() + timedelta(seconds=spec["expirationSeconds"])
    request["status"] = {"token": token, "expirationTimestamp": stamp(expires)}
    return Answer(request, 201)


def _complete(request: Obj, call: Call, account: Revision) -> None:
    metadata, spec = request["metadata"], request.setdefault("spec", {})
    metadata.update(name=call.name, namespace=call.namespace, creationTimestamp=stamp(), uid=account.uid)
    spec["audiences"] = spec.get("audiences") or [ISSUER]
    spec["expirationSeconds"] = spec.get("expirationSeconds") or DEFAULT_SECONDS
    spec.setdefault("boundObjectRef", None)


def _require_valid(spec: Obj) -> None:
    field, seconds = "spec.expirationSeconds", spec["expirationSeconds"]
    if seconds < SHORTEST_SECONDS:
        why = "may not specify a duration less than 10 minutes"
    elif seconds > _LONGEST_SECONDS:
        why = "may not specify a duration larger than 2^32 seconds"
    else:
        return
    cause = FieldError(field, "FieldValueInvalid", f"Invalid value: {seconds}: {why}")
    raise invalid("TokenRequest", "authentication.k8s.io", "", [cause])


def _bound(cluster: Cluster, call: Call, reference: Obj | None) -> Bound | None:
    if not reference:
        return None
    kind, name = reference.get("kind", ""), reference.get("name", "")
    plural = _BINDABLE.get(kind)
    if plural is None:
        raise bad_request(f"cannot bind token to object of type v1, Kind={kind}")
    revision = cluster.store.find(plural, (call.namespace, name))
    if revision is None:
        raise not_found(plural, "", name)
    if reference.get("uid") and reference["uid"] != revision.uid:
        why = f"the UID in the bound object reference ({reference['uid']}) does not match the UID in record. "
        raise conflict(plural, "", name, f"{why}The object might have been deleted and then recreated")
    return Bound(kind, name, revision.uid)
