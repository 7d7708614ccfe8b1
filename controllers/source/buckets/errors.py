"""What can go wrong with an object store, in words for the person who wrote the Bucket.

BucketError
├── BucketMissing       there is no such bucket or container
├── ObjectGone          the object is not there (any more)
├── AccessRefused       credentials are missing, wrong, or not enough
├── StoreBusy           429 or 503 after all tries; says when to come back, where the store did
├── StoreUnreachable    no usable connection
├── BadAnswer           something that no well-meaning store answers
└── TooMuch             more keys or bytes than a Bucket may have
"""


class BucketError(Exception):
    """Any of the failures of this package; its text is one line without secrets."""


class BucketMissing(BucketError):
    """There is no such bucket."""


class ObjectGone(BucketError):
    """There is no such object."""


class AccessRefused(BucketError):
    """The store answered 401 or 403, or whoever gives credentials did."""


class StoreBusy(BucketError):
    """The store asks for patience; `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class StoreUnreachable(BucketError):
    """Nobody answers, or the answer broke off."""


class BadAnswer(BucketError):
    """The answer cannot be understood."""


class TooMuch(BucketError):
    """A limit is exceeded."""
