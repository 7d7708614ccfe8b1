from __future__ import annotations

from aiohttp import web

from controllers.image_automation.reasons import Reason
from controllers.image_automation.referrals import Referrals
from shared.kube.client import KubeClient
from shared.model.meta import ObjectKey
from shared.runtime.failure import Failure
from tests.unit.shared.kube.fake_api import fake_api, status

SELECTORS = {
    "open": [{"matchLabels": {}}],
    "team": [{"matchLabels": {"team": "x", "env": "prod"}}, {"matchLabels": {"team": "y"}}],
    "closed": [],
    "private": None,
}
LABELS = {"apps": {"team": "y"}, "prod": {"team": "x", "env": "prod"}, "dev": {"team": "x"}, "bare": None}


async def answer(request: web.Request) -> web.Response:
    kind, name = request.path.rsplit("/", 2)[1:]
    if kind == "namespaces" and name in LABELS:
        return web.json_response({"metadata": {"name": name, "labels": LABELS[name]}})
    if kind != "imagerepositories" or name not in (*SELECTORS, "broken", "forbidden"):
        return status(404, "NotFound", f"{name} not found")
    if name == "forbidden":
        return status(403, "Forbidden", "no rights")
    spec = {"image": "ghcr.io/org/app", "interval": "soon" if name == "broken" else "5m"}
    selectors = SELECTORS.get(name)
    access = {} if selectors is None else {"accessFrom": {"namespaceSelectors": selectors}}
    return web.json_response({"metadata": {"name": name, "namespace": "shared"}, "spec": spec | access})


async def verdict(client: KubeClient, name: str, *, of: str, cross_namespace: bool = True) -> tuple[str, str]:
    """Reason and message of the failure; empty where there is none."""
    try:
        await Referrals(client, cross_namespace).repository(of, ObjectKey("shared", name))
    except Failure as failure:
        return failure.reason, failure.message
    return "", ""


async def test_who_may_refer_to_what() -> None:
    async with fake_api(answer) as client:
        for name, of, allowed in (
            ("private", "shared", True),
            ("closed", "shared", True),
            ("private", "apps", False),
            ("closed", "apps", False),
            ("open", "apps", True),
            ("open", "bare", True),
            ("team", "apps", True),
            ("team", "prod", True),
            ("team", "dev", False),
            ("team", "bare", False),
            ("open", "unknown", False),
        ):
            reason, message = await verdict(client, name, of=of)
            assert (reason == "", name, of) == (allowed, name, of), message
            assert allowed or reason == "AccessDenied"


async def test_what_a_refusal_says() -> None:
    failed = "failed to get the referred ImageRepository: "
    async with fake_api(answer) as client:
        reason, message = await verdict(client, "open", of="apps", cross_namespace=False)
        assert reason == "AccessDenied"
        assert message == (
            f"{failed}cannot access 'ImageRepository/shared/open', "
            "cross-namespace references have been blocked"
        )
        assert await verdict(client, "open", of="shared", cross_namespace=False) == ("", "")
        reason, message = await verdict(client, "gone", of="shared")
        assert reason == "DependencyNotReady"
        assert message.startswith(f"{failed}referenced ImageRepository does not exist: ")
        for name, words in (("broken", "is invalid: "), ("forbidden", "no rights")):
            reason, message = await verdict(client, name, of="shared")
            assert (reason, words in message) == (Reason.FAILURE, True)
