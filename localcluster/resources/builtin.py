"""The built-in resources of Kubernetes 1.36, as a table.

One line is `plural Kind` and then words: `C` for cluster-scoped, `short=`, `cat=`, `sub=` and `verbs=`
where they differ from the rule, `in=` where the objects are kept when that is not `plural.group`.
Groups and versions stand in the order in which clients prefer them.
"""

from __future__ import annotations

from localcluster.resources.resource import ALL_VERBS, Resource, Subresource

_TABLE = """
/v1
bindings Binding verbs=create
componentstatuses ComponentStatus C short=cs verbs=get,list
configmaps ConfigMap short=cm
endpoints Endpoints singular=endpoints short=ep
events Event short=ev
limitranges LimitRange short=limits
namespaces Namespace C short=ns sub=finalize,status verbs=create,delete,get,list,patch,update,watch
nodes Node C short=no sub=proxy,status
persistentvolumeclaims PersistentVolumeClaim short=pvc sub=status
persistentvolumes PersistentVolume C short=pv sub=status
pods Pod short=po cat=all sub=attach,binding,ephemeralcontainers,\
eviction,exec,log,portforward,proxy,resize,status
podtemplates PodTemplate
replicationcontrollers ReplicationController short=rc cat=all sub=scale,status
resourcequotas ResourceQuota short=quota sub=status
secrets Secret
serviceaccounts ServiceAccount short=sa sub=token
services Service short=svc cat=all sub=proxy,status
apiregistration.k8s.io/v1
apiservices APIService C cat=api-extensions sub=status
apps/v1
controllerrevisions ControllerRevision
daemonsets DaemonSet short=ds cat=all sub=status
deployments Deployment short=deploy cat=all sub=scale,status
replicasets ReplicaSet short=rs cat=all sub=scale,status
statefulsets StatefulSet short=sts cat=all sub=scale,status
events.k8s.io/v1
events Event short=ev in=events
authentication.k8s.io/v1
selfsubjectreviews SelfSubjectReview C verbs=create
tokenreviews TokenReview C verbs=create
authorization.k8s.io/v1
localsubjectaccessreviews LocalSubjectAccessReview verbs=create
selfsubjectaccessreviews SelfSubjectAccessReview C verbs=create
selfsubjectrulesreviews SelfSubjectRulesReview C verbs=create
subjectaccessreviews SubjectAccessReview C verbs=create
autoscaling/v2
horizontalpodautoscalers HorizontalPodAutoscaler short=hpa cat=all sub=status
autoscaling/v1
horizontalpodautoscalers HorizontalPodAutoscaler short=hpa cat=all sub=status
batch/v1
cronjobs CronJob short=cj cat=all sub=status
jobs Job cat=all sub=status
certificates.k8s.io/v1
certificatesigningrequests CertificateSigningRequest C short=csr sub=approval,status
networking.k8s.io/v1
ingressclasses IngressClass C
ingresses Ingress short=ing sub=status
ipaddresses IPAddress C short=ip
networkpolicies NetworkPolicy short=netpol
servicecidrs ServiceCIDR C sub=status
policy/v1
poddisruptionbudgets PodDisruptionBudget short=pdb sub=status
rbac.authorization.k8s.io/v1
clusterrolebindings ClusterRoleBinding C
clusterroles ClusterRole C
rolebindings RoleBinding
roles Role
storage.k8s.io/v1
csidrivers CSIDriver C
csinodes CSINode C
csistoragecapacities CSIStorageCapacity
storageclasses StorageClass C short=sc
volumeattachments VolumeAttachment C sub=status
volumeattributesclasses VolumeAttributesClass C short=vac
admissionregistration.k8s.io/v1
mutatingadmissionpolicies MutatingAdmissionPolicy C cat=api-extensions
mutatingadmissionpolicybindings MutatingAdmissionPolicyBinding C cat=api-extensions
mutatingwebhookconfigurations MutatingWebhookConfiguration C cat=api-extensions
validatingadmissionpolicies ValidatingAdmissionPolicy C cat=api-extensions sub=status
validatingadmissionpolicybindings ValidatingAdmissionPolicyBinding C cat=api-extensions
validatingwebhookconfigurations ValidatingWebhookConfiguration C cat=api-extensions
apiextensions.k8s.io/v1
customresourcedefinitions CustomResourceDefinition C short=crd,crds cat=api-extensions sub=status
scheduling.k8s.io/v1
priorityclasses PriorityClass C short=pc
coordination.k8s.io/v1
leases Lease
node.k8s.io/v1
runtimeclasses RuntimeClass C
discovery.k8s.io/v1
endpointslices EndpointSlice
resource.k8s.io/v1
deviceclasses DeviceClass C
resourceclaims ResourceClaim sub=status
resourceclaimtemplates ResourceClaimTemplate
resourceslices ResourceSlice C
flowcontrol.apiserver.k8s.io/v1
flowschemas FlowSchema C sub=status
prioritylevelconfigurations PriorityLevelConfiguration C sub=status
"""

_STATUS_VERBS = ("get", "patch", "update")
_STREAM_VERBS = ("create", "get")
_SUBRESOURCES = {
    "approval": Subresource("approval", _STATUS_VERBS),
    "attach": Subresource("attach", _STREAM_VERBS, kind="PodAttachOptions"),
    "binding": Subresource("binding", ("create",), kind="Binding"),
    "ephemeralcontainers": Subresource("ephemeralcontainers", _STATUS_VERBS),
    "eviction": Subresource("eviction", ("create",), "policy", "v1", "Eviction"),
    "exec": Subresource("exec", _STREAM_VERBS, kind="PodExecOptions"),
    "finalize": Subresource("finalize", ("update",)),
    "log": Subresource("log", ("get",)),
    "portforward": Subresource("portforward", _STREAM_VERBS, kind="PodPortForwardOptions"),
    "resize": Subresource("resize", _STATUS_VERBS),
    "scale": Subresource("scale", _STATUS_VERBS, "autoscaling", "v1", "Scale"),
    "status": Subresource("status", _STATUS_VERBS),
    "token": Subresource("token", ("create",), "authentication.k8s.io", "v1", "TokenRequest"),
}
_PROXY_VERBS = ("create", "delete", "get", "patch", "update")
_PROXY_KINDS = {"Node": "NodeProxyOptions", "Pod": "PodProxyOptions", "Service": "ServiceProxyOptions"}


def builtin_resources() -> list[Resource]:
    """All built-in resources, by group and version in order of preference, by name within one."""
    found: list[Resource] = []
    group = version = ""
    for line in _TABLE.strip().splitlines():
        head, *words = line.split()
        if not words:
            group, _, version = head.rpartition("/")
            continue
        found.append(_parse(group, version, head, words))
    return found


def _parse(group: str, version: str, plural: str, words: list[str]) -> Resource:
    kind, *flags = words
    options = dict(flag.split("=") for flag in flags if "=" in flag)
    verbs = options.get("verbs")
    return Resource(
        group=group,
        version=version,
        plural=plural,
        kind=kind,
        singular=options.get("singular", kind.lower()),
        namespaced="C" not in flags,
        collection=options.get("in") or (f"{plural}.{group}" if group else plural),
        verbs=tuple(verbs.split(",")) if verbs else ALL_VERBS,
        short_names=_words(options, "short"),
        categories=_words(options, "cat"),
        subresources=tuple(_subresource(name, kind) for name in _words(options, "sub")),
        list_kind=f"{kind}List",
    )


def _words(options: dict[str, str], key: str) -> tuple[str, ...]:
    return tuple(options[key].split(",")) if key in options else ()


def _subresource(name: str, kind: str) -> Subresource:
    if name == "proxy":
        return Subresource("proxy", _PROXY_VERBS, kind=_PROXY_KINDS[kind])
    return _SUBRESOURCES[name]
