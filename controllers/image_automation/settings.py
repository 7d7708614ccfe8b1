"""Flags of image-automation-controller, read once (specs/image.md 21).

One process does what Flux divides between image-reflector-controller and image-automation-controller, and
takes the flags of both.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Self

from shared.git.credentials import SshAlgorithms
from shared.runtime.flags import Flags, RuntimeSettings, listed
from shared.runtime.identities import GATE as IDENTITY_GATE

NAME = "image-automation-controller"
GATES: Mapping[str, bool] = {
    "CacheSecretsAndConfigMaps": False,
    IDENTITY_GATE: False,
    "FluxStorage": False,
    "GitForcePushBranch": True,
    "GitShallowClone": True,
    "GitAllBranchReferences": True,
    "GitSparseCheckout": False,
}


class InvalidSettings(ValueError):
    """A combination of flags that cannot work."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`gc_interval` None never looks for tags that no object needs any more."""

    runtime: RuntimeSettings
    storage_path: Path
    gc_interval: timedelta | None
    ssh: SshAlgorithms
    no_cross_namespace_refs: bool
    default_service_account: str
    token_cache_size: int
    token_cache_longest: timedelta

    @classmethod
    def from_process(cls, argv: Sequence[str], env: Mapping[str, str]) -> Self:
        """Exits on flags that cannot be read; raises InvalidSettings for those that cannot work."""
        flags = Flags(NAME, concurrent=4, gates=GATES, env=env)
        flags.text("storage-path", "/data", text="where tags are kept")
        flags.number("gc-interval", 10, "minutes between looks for tags of deleted objects; 0 never looks")
        flags.number("storage-value-log-file-size", 268_435_456, "accepted, without effect")
        flags.number("storage-compression-threshold", 64, "accepted, without effect: tags are compressed")
        flags.many("ssh-kex-algos", "key exchange algorithms for ssh, in order of preference")
        flags.many("ssh-hostkey-algos", "host key algorithms for ssh, in order of preference")
        flags.boolean("no-cross-namespace-refs")
        flags.number("token-cache-max-size", 100, "0 keeps no token")
        flags.duration("token-cache-max-duration", "1h")
        flags.text("default-service-account", "")
        runtime, found = flags.parse(argv)
        if found.default_service_account and not runtime.gates[IDENTITY_GATE]:
            raise InvalidSettings(f"--default-service-account needs --feature-gates={IDENTITY_GATE}=true")
        if found.gc_interval < 0:
            raise InvalidSettings("--gc-interval is a number of minutes, 0 or more")
        return cls(
            # Intervals of these kinds are kept to the second.
            runtime=replace(runtime, jitter=0.0),
            storage_path=Path(found.storage_path),
            gc_interval=timedelta(minutes=found.gc_interval) if found.gc_interval else None,
            ssh=SshAlgorithms(listed(found.ssh_kex_algos), listed(found.ssh_hostkey_algos)),
            no_cross_namespace_refs=found.no_cross_namespace_refs,
            default_service_account=found.default_service_account,
            token_cache_size=found.token_cache_max_size,
            token_cache_longest=found.token_cache_max_duration,
        )
