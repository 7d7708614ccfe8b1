"""Two clusters, for the tests of acting in another one."""

from tests.two_clusters import (
    management,
    management_kubeconfig,
    namespace,
    remote,
    remote_kubeconfig,
)

__all__ = ["management", "management_kubeconfig", "namespace", "remote", "remote_kubeconfig"]
