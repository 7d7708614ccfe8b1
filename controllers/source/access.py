"""What opens a GitRepository, with failures that have the reasons of source-controller (spec source 3)."""

from controllers.source.conditions import Reason
from shared.cloud.errors import CloudError
from shared.git.access import Access, ProviderMismatch, ProviderUnusable
from shared.git.credentials import ConflictingCredentials
from shared.git.errors import GitError, InvalidRemote
from shared.git.remote import Remote
from shared.logic.secret import SecretUnusable
from shared.model.source import GitRepository
from shared.runtime.failure import Failure, Stalled
from shared.runtime.identities import IdentityDisabled


async def remote_for(access: Access, repo: GitRepository) -> Remote:
    """Raises Failure; Stalled where only another spec can help."""
    try:
        return await access.remote(repo)
    except InvalidRemote as error:
        raise Stalled(str(error), reason=Reason.URL_INVALID) from error
    except IdentityDisabled as error:
        raise Stalled(str(error), reason=Reason.FEATURE_GATE_DISABLED) from error
    except ProviderUnusable as error:
        raise Stalled(str(error), reason=Reason.INVALID_PROVIDER) from error
    except ProviderMismatch as error:
        raise Failure(str(error), reason=Reason.INVALID_PROVIDER) from error
    except ConflictingCredentials as error:
        raise Failure(str(error), reason=Reason.GIT_OPERATION_FAILED) from error
    except (SecretUnusable, GitError, CloudError) as error:
        raise Failure(str(error), reason=Reason.AUTHENTICATION_FAILED) from error
