"""Reviews: questions about who somebody is and what they may do, asked by creating an object."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from localcluster.auth.tokens import ISSUER
from localcluster.auth.users import User
from localcluster.clock import stamp
from localcluster.http.target import Target
from localcluster.status import FieldError, Refusal, bad_request, invalid

if TYPE_CHECKING:
    from localcluster.auth.authenticate import Authenticator
    from localcluster.auth.rbac import Authorizer
    from localcluster.store.revision import Obj
    from localcluster.verbs.call import Call

_GROUP = "authorization.k8s.io"


class Reviews:
    """Answers every kind of review; `answer` writes the status into the object that asks."""

    def __init__(self, authorizer: Authorizer, authenticator: Authenticator) -> None:
        self._authorizer = authorizer
        self._authenticator = authenticator
        self._of_kind: dict[str, Callable[[Call, Obj], None]] = {
            "SelfSubjectReview": self._who_am_i,
            "TokenReview": self._whose_token,
            "SelfSubjectAccessReview": self._may_i,
            "SubjectAccessReview": self._may_they,
            "LocalSubjectAccessReview": self._may_they_here,
            "SelfSubjectRulesReview": self._what_may_i,
        }

    def answer(self, call: Call, review: Obj) -> None:
        """Raises 422 or 400 for a question that cannot be answered."""
        self._of_kind[call.resource.kind](call, review)

    def _who_am_i(self, call: Call, review: Obj) -> None:
        review["metadata"] = {"creationTimestamp": stamp()}
        review.pop("spec", None)
        review["status"] = {"userInfo": call.user.info()}

    def _whose_token(self, call: Call, review: Obj) -> None:
        del call
        spec = review.get("spec") or {}
        token = spec.get("token")
        if not token:
            raise bad_request("token is required for TokenReview in authentication")
        wanted = spec.get("audiences") or [ISSUER]
        user = self._authenticator.of_token(token, wanted)
        status: dict[str, Any] = {"user": {}}
        if user is not None:
            own = self._authenticator.audiences_of(token)
            status = {
                "authenticated": True,
                "user": user.info(),
                "audiences": [a for a in wanted if a in own],
            }
        elif spec.get("audiences"):
            status["error"] = "[invalid bearer token]"
        review["status"] = status

    def _may_i(self, call: Call, review: Obj) -> None:
        self._judge(call.user, review)

    def _may_they(self, call: Call, review: Obj) -> None:
        del call
        self._judge(_asked_user(review), review)

    def _may_they_here(self, call: Call, review: Obj) -> None:
        attributes = (review.get("spec") or {}).get("resourceAttributes") or {}
        if attributes.get("namespace", "") != call.namespace:
            why = f"spec.resourceAttributes.namespace must match namespace: {call.namespace}"
            raise bad_request(why)
        self._judge(_asked_user(review), review)

    def _judge(self, user: User, review: Obj) -> None:
        target = _target(review)
        reason = self._authorizer.reason(user, target)
        status: dict[str, Any] = {"allowed": reason is not None}
        if reason:
            status["reason"] = reason
        review["status"] = status

    def _what_may_i(self, call: Call, review: Obj) -> None:
        namespace = (review.get("spec") or {}).get("namespace", "")
        if not namespace:
            raise bad_request("no namespace on request")
        resources: list[Obj] = []
        pages: list[Obj] = []
        for _, rules in self._authorizer.grants(call.user, namespace):
            for rule in rules:
                (pages if rule.get("nonResourceURLs") else resources).append(rule)
        review["status"] = {"resourceRules": resources, "nonResourceRules": pages, "incomplete": False}


def _asked_user(review: Obj) -> User:
    spec = review.get("spec") or {}
    if not spec.get("user") and not spec.get("groups"):
        text = 'Invalid value: "": at least one of user or group must be specified'
        raise _unanswerable(FieldError("spec.user", "FieldValueInvalid", text))
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()), spec.get("uid", ""))


def _target(review: Obj) -> Target:
    spec = review.get("spec") or {}
    resource: Obj | None = spec.get("resourceAttributes")
    page: Obj | None = spec.get("nonResourceAttributes")
    if (resource is None) is (page is None):
        both = "cannot be specified in combination with resourceAttributes"
        neither = "exactly one of nonResourceAttributes or resourceAttributes must be specified"
        raise _unanswerable(_attributes_error(resource, both if page is not None else neither))
    if resource is None:
        assert page is not None
        return Target(page.get("verb", ""), page.get("path", ""))
    return Target(
        verb=resource.get("verb", ""),
        path="",
        is_resource=True,
        group=resource.get("group", ""),
        version=resource.get("version", ""),
        resource=resource.get("resource", ""),
        subresource=resource.get("subresource", ""),
        namespace=resource.get("namespace", ""),
        name=resource.get("name", ""),
    )


def _attributes_error(resource: Obj | None, why: str) -> FieldError:
    field = "spec.nonResourceAttributes" if resource is not None else "spec.resourceAttributes"
    shown = "null" if resource is None else "{}"
    return FieldError(field, "FieldValueInvalid", f"Invalid value: {shown}: {why}")


def _unanswerable(cause: FieldError) -> Refusal:
    return invalid("", _GROUP, "", [cause])
