"""What can go wrong between us and a git server, or with what it sent.

GitError
├── InvalidRemote            the URL, a ref's name or the credentials cannot be used; nothing was sent
├── RemoteUnreachable        no connection, or it broke off
│   └── GitTimeout           no answer in time; the worker was ended
├── AuthenticationFailed     the server wants other credentials
│   └── InvalidCredentials   a key or certificate cannot be read; nothing was sent
├── HostKeyMismatch          the ssh server is not the one in known_hosts
├── RepositoryNotFound
├── EmptyRepository          there is not a single commit
├── ReferenceNotFound        no such branch, tag, ref or commit
├── PathNotFound             a sparse checkout names a directory that is not there
├── RepositoryRefused        content that no well-meaning repository has, or too much of it
├── VerificationFailed       a signature of an unknown key, or a wrong one
│   └── UnsignedObject       no signature at all
├── SigningKeyUnusable       a key that cannot sign; nothing was committed
├── PushRejected             the server did not take the commit, or there was nothing to give
│   └── PushRaced            the ref is not where it was seen: somebody else was faster
└── WorkerFailed             the process that did the work died, or has a bug
"""

from collections.abc import Mapping


class GitError(Exception):
    """Any of the failures of this package."""


class InvalidRemote(GitError):
    """Something about the request itself is wrong."""


class RemoteUnreachable(GitError):
    """The server could not be reached, or the connection broke."""


class GitTimeout(RemoteUnreachable):
    """The operation took longer than allowed."""


class AuthenticationFailed(GitError):
    """Credentials are missing, malformed or refused."""


class InvalidCredentials(AuthenticationFailed):
    """What was given as a key, certificate or known_hosts cannot be used."""


class HostKeyMismatch(GitError):
    """The ssh server's key is not in known_hosts."""


class RepositoryNotFound(GitError):
    """The server knows no such repository, or does not tell us of it."""


class EmptyRepository(GitError):
    """The repository has no commits."""


class ReferenceNotFound(GitError):
    """The repository has no such ref or commit."""


class PathNotFound(GitError):
    """A path that must exist in the tree does not."""


class RepositoryRefused(GitError):
    """The repository's content is malformed or exceeds a limit."""


class VerificationFailed(GitError):
    """The signature of a commit or tag does not prove what it should."""


class UnsignedObject(VerificationFailed):
    """There is no signature at all, or a tag is no object that could have one."""


class SigningKeyUnusable(GitError):
    """A signing key cannot be read, opened or used. Never quotes the key."""


class PushRejected(GitError):
    """A ref was not updated."""


class PushRaced(PushRejected):
    """A ref has moved since it was looked at."""


class WorkerFailed(GitError):
    """The worker process died."""


_BY_NAME: Mapping[str, type[GitError]] = {
    error.__name__: error
    for error in (
        InvalidRemote,
        RemoteUnreachable,
        GitTimeout,
        AuthenticationFailed,
        InvalidCredentials,
        HostKeyMismatch,
        RepositoryNotFound,
        EmptyRepository,
        ReferenceNotFound,
        PathNotFound,
        RepositoryRefused,
        VerificationFailed,
        UnsignedObject,
        SigningKeyUnusable,
        PushRejected,
        PushRaced,
        WorkerFailed,
    )
}


def error_named(name: str, message: str) -> GitError:
    """Rebuild the error that a worker process reported."""
    return _BY_NAME.get(name, WorkerFailed)(message)
