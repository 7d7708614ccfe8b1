"""May this event go to that provider? Decided before anything is built (specs/notification.md 8.2)."""

from __future__ import annotations

from dataclasses import dataclass

from controllers.notification.event import Event
from shared.model.notification import Alert, Provider

GIT = frozenset({"github", "gitlab", "gitea", "bitbucketserver", "bitbucket", "azuredevops"})
COMMENTS = frozenset({"githubpullrequestcomment", "gitlabmergerequestcomment", "giteapullrequestcomment"})
GENERIC = frozenset({"generic", "generic-hmac"})
IDENTITY_GATE = "ObjectLevelWorkloadIdentity"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`problem` is for the users' eyes; without one, an event that does not pass is none of theirs."""

    passes: bool
    problem: str = ""


_PASSES, _SKIPPED = Verdict(passes=True), Verdict(passes=False)


def check_namespace(alert: Alert, event: Event, *, cross_namespace: bool) -> Verdict:
    if cross_namespace or event.namespace == alert.key.namespace:
        return _PASSES
    return Verdict(
        passes=False,
        problem="discarding event, access denied to cross-namespace sources: "
        f"alert '{alert.key}' can't process event from '{event.object_path}', "
        "cross-namespace references have been blocked",
    )


def check_provider(provider: Provider, event: Event) -> Verdict:
    """Looks at the metadata as it came: what an alert adds cannot open a gate."""
    is_update = event.own("commit_status") == "update"
    if provider.suspend:
        return _SKIPPED
    if is_update and provider.type not in GIT | GENERIC:
        return _SKIPPED
    if provider.type in GIT and not (event.annotated("commit") or is_update or event.is_error):
        return _SKIPPED
    if provider.type in COMMENTS and not event.annotated("change_request"):
        return _SKIPPED
    if provider.service_account:
        return Verdict(
            passes=False,
            problem="spec.serviceAccountName needs workload identity, which Headwater does not offer "
            f"(the feature gate {IDENTITY_GATE} of Flux); use spec.secretRef",
        )
    return _PASSES
