"""What keeps a cloud identity from being obtained; messages are for users and hold no secret."""


class CloudError(Exception):
    """No credentials came of it; trying again may help."""


class IdentityInvalid(CloudError):
    """The annotations, the address or the settings are wrong: only a change of them helps."""


class LibraryMissing(CloudError):
    """The extra of this cloud is not installed."""

    def __init__(self, cloud: str) -> None:
        super().__init__(
            f"this installation has no library for {cloud}: install the extra '{cloud}' (headwater[{cloud}])"
        )
