"""Git logins made of cloud identities: Azure DevOps and AWS CodeCommit (specs/source.md 8.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from shared.cloud import codecommit
from shared.cloud.azure import DEVOPS_SCOPE
from shared.cloud.registry import Cloud
from shared.git.access import GitLogin
from shared.model.source import GitProvider, GitRepository
from shared.runtime.identities import Identities


@dataclass(frozen=True, slots=True)
class GitLogins:
    """`namespace` is where service accounts are looked up; empty stands for that of the GitRepository."""

    identities: Identities
    namespace: str = ""

    async def __call__(self, repo: GitRepository, url: str, proxy: str) -> GitLogin:
        """Raises CloudError, and IdentityDisabled where the feature gate is off."""
        # An address that keys must not be made for is refused before anybody is asked for keys.
        region = codecommit.region_of(url) if repo.provider is GitProvider.AWS else ""
        account = await self.identities.account(self.namespace or repo.key.namespace, repo.service_account)
        if repo.provider is GitProvider.AZURE:
            token = await self.identities.bearer(Cloud.AZURE, account, DEVOPS_SCOPE, proxy=proxy)
            return GitLogin(bearer=token.text)
        keys = await self.identities.aws_keys(account, region, proxy=proxy)
        username, password = codecommit.login(keys, url, datetime.now(UTC))
        return GitLogin(username, password)
