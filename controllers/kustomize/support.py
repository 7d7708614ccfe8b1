"""Fields of the spec that this build of the controller cannot honour: said at once, never ignored."""

from __future__ import annotations

from collections.abc import Mapping

from controllers.kustomize.failures import FeatureDisabled
from shared.model.kustomize import Kustomization


def require_enabled(ks: Kustomization, gates: Mapping[str, bool]) -> None:
    """Raises FeatureDisabled for what needs a feature gate that is off."""
    if ks.decryption and ks.decryption.service_account and not gates["ObjectLevelWorkloadIdentity"]:
        raise FeatureDisabled(
            "to use spec.decryption.serviceAccountName for decryption authentication please enable the "
            "ObjectLevelWorkloadIdentity feature gate in the controller"
        )
