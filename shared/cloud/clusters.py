"""Managed Kubernetes clusters: where they are, and tokens that they accept (specs/kustomize.md 13)."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import orjson

from shared.cloud import aws
from shared.cloud.account import Token
from shared.cloud.aws import AwsCredentials
from shared.cloud.blocking import SECONDS
from shared.cloud.errors import CloudError, IdentityInvalid
from shared.logic.go_yaml import Limits, YamlError, read_document

AKS_SCOPE = "6dae42f8-4368-4678-94ff-3960e28e3630/.default"
_EKS = re.compile(r"arn:aws[\w-]*:eks:([a-z0-9-]{1,40}):[0-9]{1,30}:cluster/([A-Za-z0-9_-]{1,100})", re.ASCII)
_AKS = re.compile(
    r"/subscriptions/[^/?#]{1,100}/resourceGroups/[^/?#]{1,100}"
    r"/providers/Microsoft\.ContainerService/managedClusters/[^/?#]{1,100}",
    re.IGNORECASE,
)
_GKE = re.compile(r"projects/[^/?#]{1,100}/locations/[^/?#]{1,100}/clusters/[^/?#]{1,100}")
_AKS_API, _GKE_API = "https://management.azure.com", "https://container.googleapis.com"
_EKS_TOKEN_LIFE = timedelta(minutes=14)
_MAX_ANSWER = 1024 * 1024
_KUBECONFIG = Limits(size_bytes=512 * 1024, depth=20, alias_nodes=0, documents=1)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`ca` is PEM; empty stands for the system's authorities."""

    address: str
    ca: str = ""


def eks_parts(cluster: str) -> tuple[str, str]:
    """Region and name out of an ARN. Raises IdentityInvalid."""
    match = _EKS.fullmatch(cluster)
    if match is None:
        raise IdentityInvalid(f"cluster {cluster[:200]!r} is not the ARN of an EKS cluster")
    return match[1], match[2]


async def eks(keys: AwsCredentials, cluster: str) -> Endpoint:
    """Raises CloudError."""
    region, name = eks_parts(cluster)
    found = await aws.describe_cluster(keys, region, name)
    try:
        return Endpoint(found["endpoint"], _pem(found["certificateAuthority"]["data"]))
    except (KeyError, TypeError) as error:
        raise CloudError(f"cluster '{name}' has no endpoint yet") from error


async def eks_token(keys: AwsCredentials, cluster: str) -> Token:
    """A signed question to STS: whoever can ask it is who the keys belong to. Raises CloudError."""
    region, name = eks_parts(cluster)
    url = await aws.presigned_identity(keys, region, {"x-k8s-aws-id": name})
    text = "k8s-aws-v1." + base64.urlsafe_b64encode(url.encode()).rstrip(b"=").decode()
    return Token(text, datetime.now(UTC) + _EKS_TOKEN_LIFE)


async def gke(http: aiohttp.ClientSession, token: Token, cluster: str, *, api: str = _GKE_API) -> Endpoint:
    """Raises CloudError."""
    if _GKE.fullmatch(cluster) is None:
        raise IdentityInvalid(f"cluster {cluster[:200]!r} is not projects/*/locations/*/clusters/*")
    found = await _call(http, "GET", f"{api}/v1/{cluster}", token)
    try:
        return Endpoint(f"https://{found['endpoint']}", _pem(found["masterAuth"]["clusterCaCertificate"]))
    except (KeyError, TypeError) as error:
        raise CloudError(f"cluster '{cluster}' has no endpoint yet") from error


async def aks(
    http: aiohttp.ClientSession, token: Token, cluster: str, address: str = "", *, api: str = _AKS_API
) -> Endpoint:
    """`address` chooses among the cluster's; else the first. Raises CloudError."""
    if _AKS.fullmatch(cluster) is None:
        raise IdentityInvalid(f"cluster {cluster[:200]!r} is not the resource id of an AKS cluster")
    where = f"{api}{cluster}/listClusterUserCredential?api-version=2025-05-01"
    found = await _call(http, "POST", where, token)
    endpoints = [each for raw in found.get("kubeconfigs") or () for each in _endpoints(raw)]
    for each in endpoints:
        if not address or each.address.rstrip("/") == address.rstrip("/"):
            return each
    raise CloudError(f"cluster '{cluster}' has no address{f' {address[:200]!r}' if address else ''}")


def _endpoints(raw: Mapping[str, Any]) -> list[Endpoint]:
    try:
        document = read_document(base64.b64decode(str(raw.get("value"))), limits=_KUBECONFIG)
        listed = document["clusters"] if isinstance(document, dict) else []
        return [
            Endpoint(each["cluster"]["server"], _pem(each["cluster"].get("certificate-authority-data") or ""))
            for each in listed
        ]
    except (YamlError, KeyError, TypeError, AttributeError, ValueError) as error:
        raise CloudError("Azure gave no usable kubeconfig") from error


async def _call(http: aiohttp.ClientSession, method: str, url: str, token: Token) -> Mapping[str, Any]:
    host = url.split("/")[2]
    try:
        async with http.request(
            method,
            url,
            headers={"Authorization": f"Bearer {token.text}"},
            allow_redirects=False,
            timeout=aiohttp.ClientTimeout(total=SECONDS),
        ) as response:
            raw = await response.content.read(_MAX_ANSWER)
            status = response.status
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        raise CloudError(f"{host} cannot be reached ({type(error).__name__})") from error
    if status != 200:
        raise CloudError(f"{host} answered HTTP {status}")
    try:
        found = orjson.loads(raw)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise CloudError(f"{host} gave no usable answer")
    return found


def _pem(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise CloudError("the certificate authority of the cluster cannot be read") from error
