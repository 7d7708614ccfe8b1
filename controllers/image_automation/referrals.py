"""The ImageRepository that a policy refers to, if it may (specs/image.md 7.4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from controllers.image_automation.reasons import Reason
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.model.image import ImageRepository
from shared.model.kinds import IMAGE_REPOSITORY, Resource
from shared.model.meta import ObjectKey
from shared.model.meta import Reason as Common
from shared.runtime.failure import Failure

_NAMESPACE = Resource("", "v1", "Namespace", "namespaces", namespaced=False)
_GETTING = "failed to get the referred ImageRepository"


class AccessDenied(Failure):
    """The owner of the ImageRepository, or of the cluster, does not want it; tried again all the same."""

    reason: str = Common.ACCESS_DENIED


@dataclass(frozen=True, slots=True)
class Referrals:
    client: KubeClient
    cross_namespace: bool

    async def repository(self, namespace: str, ref: ObjectKey) -> ImageRepository:
        """Read it fresh, on behalf of a policy in `namespace`. Raises Failure."""
        if ref.namespace != namespace and not self.cross_namespace:
            raise AccessDenied(
                f"{_GETTING}: cannot access 'ImageRepository/{ref}', "
                "cross-namespace references have been blocked"
            )
        repo = await self._read(ref)
        if ref.namespace != namespace:
            problem = await self._problem(repo, namespace)
            if problem:
                raise AccessDenied(f"{_GETTING}: access denied: {problem}")
        return repo

    async def _read(self, ref: ObjectKey) -> ImageRepository:
        try:
            found = await self.client.find(IMAGE_REPOSITORY, ref.namespace, ref.name)
        except KubeError as error:
            raise Failure(f"{_GETTING}: {error}", reason=Reason.FAILURE) from error
        if found is None:
            raise Failure(
                f"{_GETTING}: referenced ImageRepository does not exist: '{ref}' not found",
                reason=Common.DEPENDENCY_NOT_READY,
            )
        try:
            return ImageRepository.parse(found)
        except (KeyError, TypeError, ValueError) as error:
            raise Failure(f"{_GETTING}: '{ref}' is invalid: {error}", reason=Reason.FAILURE) from error

    async def _problem(self, repo: ImageRepository, namespace: str) -> str:
        """Why a policy of another namespace may not read it; nothing when it may."""
        if repo.access_from is None:
            return f"'{repo.key}' can't be accessed due to missing ACL labels on 'accessFrom'"
        try:
            found = await self.client.get(_NAMESPACE, "", namespace)
        except KubeError as error:
            return str(error)
        labels: Mapping[str, str] = found["metadata"].get("labels") or {}
        if any(wanted.items() <= labels.items() for wanted in repo.access_from):
            return ""
        return f"'{repo.key}' can't be accessed due to ACL labels mismatch on namespace '{namespace}'"
