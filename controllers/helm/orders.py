"""From the spec to what the actions are asked to do: the options of specs/helm.md 11.1."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta

from controllers.helm.actions.requests import (
    Content,
    CrdPolicy,
    Install,
    PostRender,
    PostRenderStrategy,
    Propagation,
    Rollback,
    RunTests,
    ServerSide,
    TestFilter,
    Uninstall,
    Upgrade,
    Wait,
)
from controllers.helm.capabilities import Lookup, capabilities_of
from controllers.helm.session import Session
from controllers.helm.snapshots import Snapshot
from shared.charts.engine import RenderRequest
from shared.model.helm import OWNER_NAME, OWNER_NAMESPACE, HelmRelease
from shared.model.helm_actions import InstallSpec, UninstallSpec, UpgradeSpec, Waits

_LONGEST_RENDER = timedelta(minutes=1)


@contextlib.asynccontextmanager
async def install_order(session: Session) -> AsyncIterator[Install]:
    """The chart lies on disk while the context is open. Raises ArtifactError and KubeError."""
    spec = session.hr.install
    async with _content(session, spec) as content:
        yield Install(
            content,
            _wait(session, spec.waits),
            take_ownership=not spec.checks.disable_take_ownership,
            server_side=not session.options.helm3_defaults if spec.server_side is None else spec.server_side,
            hooks=not spec.waits.disable_hooks,
            replace=spec.replace,
            create_namespace=spec.create_namespace and session.hr.has_target_namespace,
            validate=not spec.checks.disable_openapi_validation,
        )


@contextlib.asynccontextmanager
async def upgrade_order(session: Session) -> AsyncIterator[Upgrade]:
    """The chart lies on disk while the context is open. Raises ArtifactError and KubeError."""
    spec = session.hr.upgrade
    async with _content(session, spec) as content:
        yield Upgrade(
            content,
            _wait(session, spec.waits),
            take_ownership=not spec.checks.disable_take_ownership,
            server_side=ServerSide(spec.server_side),
            hooks=not spec.waits.disable_hooks,
            force=spec.force,
            preserve_values=spec.preserve_values,
            cleanup_on_fail=spec.cleanup_on_fail,
            max_history=session.hr.max_history,
            validate=not spec.checks.disable_openapi_validation,
        )


def rollback_order(session: Session, previous: Snapshot) -> Rollback:
    spec = session.hr.rollback
    return Rollback(
        previous.version,
        _wait(session, spec.waits),
        server_side=ServerSide(spec.server_side),
        hooks=not spec.waits.disable_hooks,
        force=spec.force,
        cleanup_on_fail=spec.cleanup_on_fail,
        max_history=session.hr.max_history,
    )


def uninstall_order(spec: UninstallSpec) -> Uninstall:
    return Uninstall(
        Wait(spec.timeout, ready=not spec.disable_wait),
        hooks=not spec.disable_hooks,
        keep_history=spec.keep_history,
        propagation=Propagation(spec.propagation),
    )


def tests_order(session: Session) -> RunTests:
    spec = session.hr.test
    wait = Wait(spec.timeout, reader=session.reader)
    return RunTests(wait, tuple(TestFilter(item.name, item.exclude) for item in spec.filters))


def _wait(session: Session, waits: Waits) -> Wait:
    return Wait(
        waits.timeout,
        ready=not waits.disable_wait,
        jobs=not waits.disable_wait_for_jobs,
        reader=session.reader,
        cancel=session.interruption.event,
    )


@contextlib.asynccontextmanager
async def _content(session: Session, spec: InstallSpec | UpgradeSpec) -> AsyncIterator[Content]:
    hr, plan, client = session.hr, session.plan, session.tools.client
    async with session.charts.file(plan.artifact) as chart:
        render = RenderRequest(
            chart,
            hr.short_name,
            hr.release_namespace,
            await capabilities_of(client),
            values=plan.values,
            chart_version=plan.version if plan.renamed else None,
            skip_schema_validation=spec.checks.disable_schema_validation,
            enable_dns=session.options.allow_dns,
            lookup=Lookup(client),
            timeout=min(spec.waits.timeout, _LONGEST_RENDER),
        )
        yield Content(render, _post_render(hr, session), CrdPolicy(spec.crds))


def _post_render(hr: HelmRelease, session: Session) -> PostRender:
    common = hr.common_metadata
    default = PostRenderStrategy.NO_HOOKS if session.options.helm3_defaults else PostRenderStrategy.COMBINED
    return PostRender(
        kustomizations=tuple(item["kustomize"] for item in hr.post_renderers if item.get("kustomize")),
        labels=common.labels if common is not None else {},
        annotations=common.annotations if common is not None else {},
        origin={OWNER_NAME: hr.name, OWNER_NAMESPACE: hr.namespace},
        strategy=PostRenderStrategy(hr.post_render_strategy or default),
    )
