"""The digest of a chosen tag, as far as a policy wants it (specs/image.md 9)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from controllers.image_automation.access import ImageAccess
from controllers.image_automation.busy import pause_of
from shared.cloud.errors import CloudError
from shared.logic.secret import SecretUnusable
from shared.model.duration import render_duration
from shared.model.image import DigestPolicy, ImageRef, ImageRepository
from shared.oci.authorization import Authorizations
from shared.oci.errors import OciError, TooManyRequests
from shared.oci.gate import Gates
from shared.oci.reference import Repository
from shared.oci.registry import opened
from shared.runtime.failure import Failure


def needs_digest(policy: DigestPolicy, name: str, tag: str, latest: ImageRef | None) -> bool:
    """Whether the registry must be asked: always, or because this image has no digest yet."""
    match policy:
        case DigestPolicy.NEVER:
            return False
        case DigestPolicy.ALWAYS:
            return True
    return latest is None or (latest.name, latest.tag) != (name, tag) or not latest.digest


@dataclass(frozen=True, slots=True)
class Reflection:
    """Asks registries what a tag points at, as its ImageRepository would."""

    access: ImageAccess
    known: Authorizations
    gates: Gates

    async def digest(self, repo: ImageRepository, repository: Repository, tag: str) -> str:
        """Raises Failure."""
        doing = f"failed fetching digest of {repo.image}:{tag}"
        try:
            async with asyncio.timeout(repo.timeout.total_seconds()):
                return await self._digest(repo, repository, tag)
        except TimeoutError as error:
            raise Failure(f"{doing}: timed out after {render_duration(repo.timeout)}") from error
        except TooManyRequests as error:
            raise Failure(f"{doing}: {error}", retry_in=pause_of(error)) from error
        except (SecretUnusable, CloudError, OciError) as error:
            raise Failure(f"{doing}: {error}") from error

    async def _digest(self, repo: ImageRepository, repository: Repository, tag: str) -> str:
        opening = await self.access.opening(repo, repository)
        opening = await self.access.log_in(repo, repository, opening)
        async with opened(repository, opening, self.known, gates=self.gates) as registry:
            return await registry.digest(tag)
