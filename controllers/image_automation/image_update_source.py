"""From an automation to an opened source: which repository, which branches, which key (specs/image.md 12)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from controllers.image_automation.checkout import Branches, NoPushBranch, branches_of
from controllers.image_automation.image_update_reasons import (
    CheckoutFailed,
    InvalidSource,
    Reason,
    SourceManagerFailed,
)
from shared.cloud.errors import CloudError
from shared.git.access import Access, ProviderMismatch, ProviderUnusable, Tokens
from shared.git.client import Git, SigningKey
from shared.git.credentials import ConflictingCredentials, SshAlgorithms
from shared.git.errors import GitError
from shared.git.remote import Remote
from shared.kube.cache import Cache
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError
from shared.kube.secrets import Secrets
from shared.logic.secret import SecretUnusable
from shared.model import image_update
from shared.model.image_update import GitSpec, ImageUpdateAutomation
from shared.model.kinds import GIT_REPOSITORY
from shared.model.source import GitRepository
from shared.runtime.failure import Stalled
from shared.runtime.git_logins import GitLogins
from shared.runtime.identities import Identities, IdentityDisabled

_KEY_FIELDS = {"gpg": ("git.asc", "passphrase"), "ssh": ("identity", "password")}


@dataclass(frozen=True, slots=True)
class Source:
    """A repository, and all that is needed to read it and to write to it."""

    repository: GitRepository
    remote: Remote
    spec: GitSpec
    branches: Branches
    key: SigningKey | None

    @property
    def timeout(self) -> timedelta:
        """For each operation on the remote."""
        return self.repository.timeout

    @property
    def refspec(self) -> str:
        """Where else to push, or nothing."""
        return self.spec.push.refspec if self.spec.push is not None else ""

    @property
    def push_options(self) -> tuple[str, ...]:
        options = self.spec.push.options if self.spec.push is not None else None
        return tuple(f"{key}={value}" for key, value in (options or {}).items())


@dataclass(frozen=True, slots=True)
class Sources:
    """`repositories` is a copy of all GitRepositories; what it lacks is asked for."""

    client: KubeClient
    repositories: Cache
    git: Git
    tokens: Tokens
    algorithms: SshAlgorithms
    identities: Identities
    cross_namespace: bool

    async def open(self, automation: ImageUpdateAutomation) -> Source:
        """Raises SourceManagerFailed, CheckoutFailed, InvalidSource and other Stalled."""
        spec = self._require_valid(automation)
        repository = await self._repository(automation)
        remote = await self._remote(automation, repository)
        try:
            branches = branches_of(spec, repository.reference)
            key = await self._key(automation, spec.commit.signing_key, repository)
        except (NoPushBranch, GitError, SecretUnusable) as error:
            raise SourceManagerFailed(str(error)) from error
        return Source(repository, remote, spec, branches, key)

    def _require_valid(self, automation: ImageUpdateAutomation) -> GitSpec:
        kind = automation.source_kind
        if kind != GIT_REPOSITORY.kind:
            raise InvalidSource(f"source kind '{kind}' not supported: must be '{GIT_REPOSITORY.kind}'")
        if automation.git is None:
            raise InvalidSource(f"source kind '{kind}' necessitates field .spec.git: it is not set")
        if automation.source.namespace != automation.key.namespace and not self.cross_namespace:
            raise Stalled(
                f"can't access '{kind}/{automation.source}', cross-namespace references have been blocked",
                reason=Reason.ACCESS_DENIED,
            )
        return automation.git

    async def _repository(self, automation: ImageUpdateAutomation) -> GitRepository:
        source = automation.source
        try:
            found = self.repositories.find(source) or await self.client.find(
                GIT_REPOSITORY, source.namespace, source.name
            )
            if found is None:
                raise SourceManagerFailed(f"referenced git repository does not exist: '{source}' not found")
            return GitRepository.parse(found)
        except KubeError as error:
            raise SourceManagerFailed(f"failed to get git repository '{source}': {error}") from error
        except (KeyError, TypeError, ValueError) as error:
            raise SourceManagerFailed(f"git repository '{source}' is invalid: {error}") from error

    async def _remote(self, automation: ImageUpdateAutomation, repository: GitRepository) -> Remote:
        # Secrets are those of the repository, but whoever automates does so with an identity of their own.
        logins = GitLogins(self.identities, automation.key.namespace)
        access = Access(Secrets(self.client).read, self.git, self.tokens, self.algorithms, logins)
        try:
            return await access.remote(repository)
        except IdentityDisabled as error:
            raise Stalled(str(error), reason=Reason.FEATURE_GATE_DISABLED) from error
        except (ProviderUnusable, ProviderMismatch) as error:
            raise InvalidSource(str(error)) from error
        except ConflictingCredentials as error:
            raise CheckoutFailed(str(error)) from error
        except (SecretUnusable, GitError, CloudError) as error:
            raise SourceManagerFailed(str(error)) from error

    async def _key(
        self,
        automation: ImageUpdateAutomation,
        wanted: image_update.SigningKey | None,
        repository: GitRepository,
    ) -> SigningKey | None:
        if wanted is None:
            return None
        kind = wanted.type if wanted.type in _KEY_FIELDS else "gpg"
        text, passphrase = _KEY_FIELDS[kind]
        secret = await Secrets(self.client).read(automation.key.namespace, wanted.secret)
        if not secret.text(text):
            raise SecretUnusable(f"signing key secret '{secret.name}' does not contain a '{text}' key")
        key = SigningKey(kind, secret.text(text), secret.text(passphrase), secret.name)
        await self.git.require_usable_key(key, within=repository.timeout)
        return key
