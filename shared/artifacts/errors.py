"""What can go wrong with an artifact, for those who make, keep, fetch or unpack one.

ArtifactError
├── ArtifactNotFound       the server says 404: the source has moved on, or storage was lost
├── ArtifactUnavailable    no usable answer after all tries
├── DigestMismatch         the bytes are not those the source announced
├── ArchiveRefused         an archive that no well-meaning program makes; says which entry and why
│   └── ArchiveTooLarge    an archive above one of the limits
└── StorageFailed          the disk, or a path that leaves the storage root
"""


class ArtifactError(Exception):
    """Any of the failures of this package."""


class ArtifactNotFound(ArtifactError):
    """The artifact's URL answers 404."""


class ArtifactUnavailable(ArtifactError):
    """The artifact could not be downloaded."""


class DigestMismatch(ArtifactError):
    """The downloaded or stored bytes have another digest than announced."""


class ArchiveRefused(ArtifactError):
    """The archive is broken or hostile."""


class ArchiveTooLarge(ArchiveRefused):
    """The archive, or the download, exceeds a limit."""


class StorageFailed(ArtifactError):
    """A file of the artifact storage could not be read or written."""
