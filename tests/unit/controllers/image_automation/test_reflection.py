from __future__ import annotations

import pytest

from controllers.image_automation.reflection import needs_digest
from shared.model.image import DigestPolicy, ImageRef

PINNED = ImageRef("ghcr.io/org/app", "1.0", "sha256:1")


@pytest.mark.parametrize(
    ("policy", "name", "tag", "latest", "needed"),
    [
        (DigestPolicy.NEVER, "ghcr.io/org/app", "1.0", None, False),
        (DigestPolicy.ALWAYS, "ghcr.io/org/app", "1.0", PINNED, True),
        (DigestPolicy.IF_NOT_PRESENT, "ghcr.io/org/app", "1.0", PINNED, False),
        (DigestPolicy.IF_NOT_PRESENT, "ghcr.io/org/app", "1.0", None, True),
        (DigestPolicy.IF_NOT_PRESENT, "ghcr.io/org/app", "1.0", ImageRef("ghcr.io/org/app", "1.0"), True),
        (DigestPolicy.IF_NOT_PRESENT, "ghcr.io/org/app", "1.1", PINNED, True),
        (DigestPolicy.IF_NOT_PRESENT, "quay.io/org/app", "1.0", PINNED, True),
    ],
)
def test_when_a_digest_is_asked_for(
    policy: DigestPolicy, name: str, tag: str, latest: ImageRef | None, needed: bool
) -> None:
    assert needs_digest(policy, name, tag, latest) is needed
