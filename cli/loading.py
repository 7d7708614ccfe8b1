"""The Kustomization that `build` and `diff` are about: of the cluster, or of a file (specs/cli.md 8.2)."""

from __future__ import annotations

from cli.local_build import Sources, from_file
from cli.problems import CliError, explain
from shared.kube.client import KubeClient
from shared.kube.errors import KubeError, NotFound
from shared.model.kinds import KUSTOMIZATION
from shared.model.meta import Object


async def load(client: KubeClient, sources: Sources, *, may_be_new: bool = False) -> Object:
    """A file's spec with the status of the cluster's object, which must be there unless it may be new.

    Raises CliError.
    """
    given = from_file(sources.file, sources.key) if sources.file is not None else None
    key = sources.key
    try:
        live = await client.get(KUSTOMIZATION, key.namespace, key.name)
    except NotFound as error:
        if may_be_new and given is not None:
            return given
        if may_be_new:
            raise CliError("kustomization file is required when assuming new kustomizations") from error
        raise CliError(f"failed to get kustomization object: {explain(error)}") from error
    except KubeError as error:
        raise CliError(f"failed to get kustomization object: {explain(error)}") from error
    if given is None:
        return live
    return {**given, "status": live.get("status") or {}}
