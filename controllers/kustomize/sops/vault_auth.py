"""How the process may log in to vaults; apart from what does it, so that reading flags stays light."""

from __future__ import annotations

from dataclasses import dataclass

from shared.model.meta import ObjectKey


@dataclass(frozen=True, slots=True)
class VaultAuth:
    """`config` is the ConfigMap with the instances, in the controller's namespace.

    `default_account` is the flag's, `own_account` the controller's, for Kustomizations that name none.
    """

    config: ObjectKey
    default_account: str = ""
    own_account: ObjectKey | None = None
