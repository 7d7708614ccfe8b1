"""Where bytes of strangers meet dulwich's parsers, which fail in as many ways as there are bytes."""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

from dulwich.errors import ApplyDeltaError, ChecksumMismatch, FileFormatException
from dulwich.object_store import MaxTreeDepthExceeded

from shared.git.errors import RepositoryRefused

_WAYS_TO_FAIL = (
    ApplyDeltaError,
    AssertionError,
    AttributeError,
    BufferError,
    ChecksumMismatch,
    EOFError,
    FileFormatException,
    LookupError,
    MaxTreeDepthExceeded,
    OverflowError,
    TypeError,
    ValueError,
    struct.error,
    zlib.error,
)


@contextmanager
def refusing_garbage(what: str) -> Iterator[None]:
    """Let what cannot be parsed be one error of ours. Raises RepositoryRefused."""
    try:
        yield
    except _WAYS_TO_FAIL as error:
        raise RepositoryRefused(f"{what} is no git data: {type(error).__name__}: {error}"[:500]) from error
