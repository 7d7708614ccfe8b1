"""What can go wrong between us and a registry.

OciError
├── InvalidReference       a URL, tag or digest that no registry can have
├── InvalidCredentials     a docker configuration, certificate or proxy that cannot be used
├── RegistryUnreachable    no usable answer: connection, TLS, time, or the server's own failure
├── RegistryDenied         401 or 403, or a token service that says no
├── ContentNotFound        404
├── TooManyRequests        429 after all tries; says when to come back, where the server did
└── InvalidContent         an answer that no well-meaning registry gives
    ├── ContentMismatch    the bytes have another digest or length than promised
    └── ContentTooLarge    above one of our limits

Messages name hosts, repositories and digests, never a credential nor a query of a URL.
"""


class OciError(Exception):
    """Any of the failures of this package."""


class InvalidReference(OciError):
    """The text does not name anything in a registry."""


class InvalidCredentials(OciError):
    """What should open the registry is malformed."""


class RegistryUnreachable(OciError):
    """The registry, or something on the way, does not answer properly."""


class RegistryDenied(OciError):
    """The registry does not let us."""


class ContentNotFound(OciError):
    """There is no such repository, tag, manifest or blob."""


class TooManyRequests(OciError):
    """`retry_after` is in seconds; None where the server did not say."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class InvalidContent(OciError):
    """The answer cannot be understood."""


class ContentMismatch(InvalidContent):
    """The bytes are not those that were asked for."""


class ContentTooLarge(InvalidContent):
    """The answer exceeds a limit."""
