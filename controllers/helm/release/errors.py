"""What can be wrong with a stored release.

ReleaseError
├── CorruptRelease    a Secret does not hold a release
└── ReleaseTooBig     a release does not fit into a Secret
"""

from __future__ import annotations


class ReleaseError(Exception):
    """Whatever can be wrong with a record; the text names the Secret."""


class CorruptRelease(ReleaseError):
    """It can be neither used nor continued: a person has to restore or delete the Secret."""


class ReleaseTooBig(ReleaseError):
    """Nothing was written."""
