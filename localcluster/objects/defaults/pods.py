"""Defaults of pods, their containers and volumes, wherever a pod template may be."""

from __future__ import annotations

from typing import Any

from localcluster.objects.images import tag_of

Json = dict[str, Any]
_CORE = "io.k8s.api.core.v1."
_FILE_MODE = 0o644


def _pod(value: Json) -> None:
    """What only a pod gets, and not the template of one."""
    spec = value["spec"]
    for kind in ("containers", "initContainers"):
        for container in spec.get(kind) or ():
            resources = container.get("resources", {})
            if limits := resources.get("limits"):
                resources["requests"] = {**limits, **resources.get("requests", {})}
    spec.setdefault("enableServiceLinks", True)
    if spec.get("hostNetwork"):
        for kind in ("containers", "initContainers"):
            for container in spec.get(kind) or ():
                for port in container.get("ports") or ():
                    port.setdefault("hostPort", port.get("containerPort", 0))


def _pod_spec(value: Json) -> None:
    value.setdefault("dnsPolicy", "ClusterFirst")
    value.setdefault("restartPolicy", "Always")
    value.setdefault("securityContext", {})
    value.setdefault("terminationGracePeriodSeconds", 30)
    value.setdefault("schedulerName", "default-scheduler")
    # The old name of a field is kept in step by the conversion to the internal version.
    account = value.get("serviceAccountName") or value.get("serviceAccount")
    if account:
        value["serviceAccountName"] = value["serviceAccount"] = account


def _container(value: Json) -> None:
    if "imagePullPolicy" not in value:
        value["imagePullPolicy"] = _pull_policy(value.get("image", ""))
    value.setdefault("terminationMessagePath", "/dev/termination-log")
    value.setdefault("terminationMessagePolicy", "File")


def _pull_policy(image: str) -> str:
    return "Always" if tag_of(image) == "latest" else "IfNotPresent"


def _probe(value: Json) -> None:
    value.setdefault("timeoutSeconds", 1)
    value.setdefault("periodSeconds", 10)
    value.setdefault("successThreshold", 1)
    value.setdefault("failureThreshold", 3)


def _http_get(value: Json) -> None:
    value.setdefault("path", "/")
    value.setdefault("scheme", "HTTP")


def _grpc(value: Json) -> None:
    if value.get("service") is None:
        value["service"] = ""


def _volume(value: Json) -> None:
    if not any(source is not None for name, source in value.items() if name != "name"):
        value["emptyDir"] = {}
    image = value.get("image")
    if image is not None:
        image.setdefault("pullPolicy", _pull_policy(image.get("reference", "")))


def _file_mode(value: Json) -> None:
    value.setdefault("defaultMode", _FILE_MODE)


def _host_path(value: Json) -> None:
    value.setdefault("type", "")


def _token_projection(value: Json) -> None:
    value.setdefault("expirationSeconds", 3600)


def _field_selector(value: Json) -> None:
    value.setdefault("apiVersion", "v1")


def _iscsi(value: Json) -> None:
    value.setdefault("iscsiInterface", "default")


def _rbd(value: Json) -> None:
    value.setdefault("pool", "rbd")
    value.setdefault("user", "admin")
    value.setdefault("keyring", "/etc/ceph/keyring")


def _pod_status(value: Json) -> None:
    """The one address and the list of addresses say the same."""
    for one, many in (("podIP", "podIPs"), ("hostIP", "hostIPs")):
        if value.get(many):
            value[one] = value[many][0].get("ip", "")
        elif value.get(one):
            value[many] = [{"ip": value[one]}]


RULES = {
    _CORE + "Pod": _pod,
    _CORE + "PodStatus": _pod_status,
    _CORE + "PodSpec": _pod_spec,
    _CORE + "Container": _container,
    _CORE + "EphemeralContainer": _container,
    _CORE + "Probe": _probe,
    _CORE + "HTTPGetAction": _http_get,
    _CORE + "GRPCAction": _grpc,
    _CORE + "Volume": _volume,
    _CORE + "SecretVolumeSource": _file_mode,
    _CORE + "ConfigMapVolumeSource": _file_mode,
    _CORE + "DownwardAPIVolumeSource": _file_mode,
    _CORE + "ProjectedVolumeSource": _file_mode,
    _CORE + "HostPathVolumeSource": _host_path,
    _CORE + "ServiceAccountTokenProjection": _token_projection,
    _CORE + "ObjectFieldSelector": _field_selector,
    _CORE + "ISCSIVolumeSource": _iscsi,
    _CORE + "RBDVolumeSource": _rbd,
}
