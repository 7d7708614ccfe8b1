"""One try at an automation in a directory of its own: check out, edit, write the message, commit, push."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from controllers.image_automation.checkout import Checkout, Checkouts
from controllers.image_automation.image_update_reasons import (
    CheckoutFailed,
    Reason,
    SourceUpdateFailed,
    UpdateFailed,
)
from controllers.image_automation.image_update_source import Source
from controllers.image_automation.markers import InvalidImage, Setters
from controllers.image_automation.push import Pushing, Refspec
from shared.git.client import Draft, Git
from shared.git.errors import GitError, PushRaced
from shared.git.reference import Target
from shared.model.image import ImageRef
from shared.model.image_update import ImageUpdateAutomation
from shared.runtime.failure import Stalled

_EDIT = "controllers.image_automation.editing:edit_tree"
_RENDER = "controllers.image_automation.message:render"
# A message takes milliseconds; whoever writes templates must not keep the workers from others.
_RENDERING = timedelta(seconds=10)

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Pushed:
    """A commit that the remote has taken."""

    commit: str
    message: str


@dataclass(frozen=True, slots=True)
class Tools:
    """What a try needs of the world; `force_push` may replace a branch that was switched to."""

    git: Git
    checkouts: Checkouts
    force_push: bool


@dataclass(frozen=True, slots=True)
class Try:
    """`folder` is empty and its own; every git operation has the time limit of the GitRepository."""

    tools: Tools
    automation: ImageUpdateAutomation
    source: Source
    folder: Path

    @property
    def repository(self) -> Path:
        return self.folder / "git"

    async def find(self) -> Target:
        """The commit that the reference means now. Raises CheckoutFailed."""
        source = self.source
        try:
            return await self.tools.checkouts.find(
                source.remote, source.branches, self.folder, within=source.timeout
            )
        except GitError as error:
            raise CheckoutFailed(str(error)) from error

    async def check_out(self, target: Target) -> Checkout:
        """Raises CheckoutFailed."""
        source = self.source
        try:
            return await self.tools.checkouts.fetch(
                source.remote, source.branches, target, self.repository, within=source.timeout
            )
        except GitError as error:
            raise CheckoutFailed(str(error)) from error

    async def edit(self, checkout: Checkout, images: Mapping[str, ImageRef]) -> Mapping[str, Any]:
        """What editing.py found and changed. Raises UpdateFailed."""
        try:
            setters = Setters.of(self.automation.key.namespace, images.items())
            argument = {
                "repository": str(self.repository),
                "commit": checkout.base,
                "path": self.automation.update.path,
                "setters": dict(setters.values),
            }
            found = await self.tools.git.run(_EDIT, argument, within=self.source.timeout)
        except (InvalidImage, GitError) as error:
            raise UpdateFailed(str(error)) from error
        if "error" in found:
            raise UpdateFailed(found["error"])
        if found["skipped"]:
            log.debug("files were skipped", files=found["skipped"])
        return found

    async def commit(self, checkout: Checkout, edited: Mapping[str, Any]) -> Pushed:
        """Write the message and the commit, and push it.

        Raises SourceUpdateFailed; PushRaced where another try, from the start, may well succeed.
        """
        refspec = self._refspec()
        message = await self._message(edited)
        author = self.source.spec.commit
        draft = Draft(
            parent=checkout.base,
            tree=edited["tree"],
            author_name=author.author_name,
            author_email=author.author_email,
            message=message,
            time=int(time.time()),
            key=self.source.key,
        )
        try:
            commit = await self.tools.git.commit(self.repository, draft, within=self.source.timeout)
        except GitError as error:
            raise SourceUpdateFailed(str(error)) from error
        await self._push(checkout, commit, refspec)
        return Pushed(commit, message)

    async def _message(self, edited: Mapping[str, Any]) -> str:
        spec, key = self.source.spec.commit, self.automation.key
        argument = {
            "template": spec.template,
            "values": dict(spec.values),
            "name": key.name,
            "namespace": key.namespace,
            "changes": edited["changes"],
        }
        try:
            found = await self.tools.git.run(_RENDER, argument, within=_RENDERING)
        except GitError as error:
            raise SourceUpdateFailed(f"failed to run template from spec: {error}") from error
        if "removed" in found:
            raise Stalled(found["removed"], reason=Reason.REMOVED_TEMPLATE_FIELD)
        if "error" in found:
            raise SourceUpdateFailed(found["error"])
        return str(found["message"])

    def _refspec(self) -> Refspec | None:
        push = self.source.spec.push
        try:
            return Refspec.parse(push.refspec) if push is not None and push.refspec else None
        except GitError as error:
            raise SourceUpdateFailed(str(error)) from error

    async def _push(self, checkout: Checkout, commit: str, refspec: Refspec | None) -> None:
        source = self.source
        pushing = Pushing(
            self.tools.git,
            source.remote,
            self.repository,
            source.push_options,
            self.tools.force_push,
            source.timeout,
        )
        try:
            await pushing.branch(source.branches, checkout, commit)
        except PushRaced:
            raise
        except GitError as error:
            raise SourceUpdateFailed(f"failed to push to remote: {error}") from error
        if refspec is None:
            return
        try:
            await pushing.refspec(refspec, source.branches, checkout, commit)
        except GitError as error:
            # The branch has the commit already: another try would find nothing to do, and call it well.
            raise SourceUpdateFailed(f"failed to push to remote: {error}") from error
