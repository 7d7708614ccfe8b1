"""The flags and variables of source-controller, read once (spec source 14.1)."""

import hashlib
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Self

from controllers.source.charts.limits import HelmLimits
from controllers.source.generation.settings import GenerationSettings
from shared.artifacts.storage import Retention, advertised_address
from shared.git.credentials import SshAlgorithms
from shared.logic.digest import InvalidDigest, new_hasher
from shared.runtime.address import Address
from shared.runtime.flags import Flags, RuntimeSettings, listed

NAME = "source-controller"
IDENTITY_GATE = "ObjectLevelWorkloadIdentity"
_GATES = {"CacheSecretsAndConfigMaps": False, IDENTITY_GATE: False}


class InvalidSettings(ValueError):
    """A combination of flags that cannot work."""


@dataclass(frozen=True, slots=True)
class Settings:
    """`advertised` is what artifact URLs begin with; `workspaces` is where fetched objects lie meanwhile.

    `aws_region` is that of the process's own identity; `google_storage` is another address than Google's
    where an emulator is used.
    """

    runtime: RuntimeSettings
    workspaces: Path
    storage_path: Path
    storage_addr: Address
    advertised: str
    retention: Retention
    digest_algorithm: str
    ssh: SshAlgorithms
    token_cache_size: int
    token_cache_longest: timedelta
    default_service_account: str
    aws_region: str
    google_storage: str
    generation: GenerationSettings
    helm: HelmLimits

    @classmethod
    def from_process(cls, argv: Sequence[str], env: Mapping[str, str]) -> Self:
        """Exits on flags that cannot be read; raises InvalidSettings for those that cannot work."""
        flags = Flags(NAME, concurrent=2, gates=_GATES, env=env)
        flags.text("storage-path", "/data", env="STORAGE_PATH", text="where artifacts are kept")
        flags.text("storage-addr", ":9090", env="STORAGE_ADDRESS", text="where artifacts are served")
        flags.text("storage-adv-addr", "", env="STORAGE_ADV_ADDR", text="the host in artifact URLs")
        flags.duration("artifact-retention-ttl", "60s", "age at which old artifacts are deleted")
        flags.number("artifact-retention-records", 2, "how many artifacts are kept meanwhile")
        flags.text("artifact-digest-algo", "sha256")
        flags.many("ssh-kex-algos", "key exchange algorithms for ssh, in order of preference")
        flags.many("ssh-hostkey-algos", "host key algorithms for ssh, in order of preference")
        flags.number("token-cache-max-size", 100, "0 keeps no token")
        flags.duration("token-cache-max-duration", "1h")
        flags.text("default-service-account", "")
        HelmLimits.offer(flags)
        GenerationSettings.offer(flags)
        runtime, found = flags.parse(argv)
        if found.default_service_account and not runtime.gates[IDENTITY_GATE]:
            raise InvalidSettings(f"--default-service-account needs --feature-gates={IDENTITY_GATE}=true")
        try:
            new_hasher(found.artifact_digest_algo)
            address = Address.parse(found.storage_addr)
        except (InvalidDigest, ValueError) as error:
            raise InvalidSettings(str(error)) from error
        return cls(
            runtime=runtime,
            workspaces=_workspaces(found.storage_path),
            storage_path=Path(found.storage_path),
            storage_addr=address,
            advertised=found.storage_adv_addr
            or advertised_address(found.storage_addr, env.get("HOSTNAME", "")),
            retention=Retention(found.artifact_retention_ttl, found.artifact_retention_records),
            digest_algorithm=found.artifact_digest_algo,
            ssh=SshAlgorithms(listed(found.ssh_kex_algos), listed(found.ssh_hostkey_algos)),
            token_cache_size=found.token_cache_max_size,
            token_cache_longest=found.token_cache_max_duration,
            default_service_account=found.default_service_account,
            aws_region=env.get("AWS_REGION", ""),
            google_storage=_google_storage(env.get("STORAGE_EMULATOR_HOST", "")),
            generation=GenerationSettings.chosen(found, env),
            helm=HelmLimits.chosen(found),
        )


def _google_storage(emulator: str) -> str:
    """The variable that Google's own clients read; a host, with or without a scheme."""
    if not emulator:
        return "https://storage.googleapis.com"
    return (emulator if "://" in emulator else f"http://{emulator}").rstrip("/")


def _workspaces(storage_path: str) -> Path:
    """One folder per storage, since one process at a time owns a storage."""
    owner = hashlib.sha256(str(Path(storage_path).absolute()).encode()).hexdigest()[:12]
    return Path(tempfile.gettempdir(), f"source-controller-{owner}")
