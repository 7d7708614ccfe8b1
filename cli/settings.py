"""The flags of every command: which cluster, as whom, which namespace, how long (specs/cli.md 2.1)."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

import click

from cli.groups import Inherited, given
from cli.printing import Symbol, say
from cli.problems import CliError

_DEFAULT_NAMESPACE = "flux-system"
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

CLUSTER_OPTIONS = (
    Inherited(
        "-n", "--namespace", metavar="NAME", help=f"Namespace of the object; {_DEFAULT_NAMESPACE} if none."
    ),
    Inherited("--ns-follows-kube-context", is_flag=True, help="Without -n, the namespace of the context."),
    Inherited("--timeout", metavar="DURATION", help="Time for the whole command; 5m0s if none."),
    Inherited(
        "--kubeconfig", metavar="PATH", help="Kubeconfig file, instead of $KUBECONFIG or ~/.kube/config."
    ),
    Inherited("--context", "kube_context", metavar="NAME", help="Context of the kubeconfig."),
    Inherited("--cluster", metavar="NAME", help="Cluster of the kubeconfig."),
    Inherited("--user", metavar="NAME", help="User of the kubeconfig."),
    Inherited("--server", metavar="URL", help="Address of the API server."),
    Inherited("--token", metavar="TOKEN", help="Bearer token for the API server."),
    Inherited("--tls-server-name", metavar="NAME", help="Name that the server's certificate must bear."),
    Inherited("--certificate-authority", metavar="PATH", help="Certificates that sign the server's."),
    Inherited("--client-certificate", metavar="PATH", help="Client certificate."),
    Inherited("--client-key", metavar="PATH", help="Key of the client certificate."),
    Inherited("--insecure-skip-tls-verify", is_flag=True, help="Trust any certificate of the server."),
    Inherited("--as", "as_user", metavar="USER", help="User to impersonate."),
    Inherited(
        "--as-group", "as_groups", metavar="GROUP", multiple=True, help="Group to impersonate; repeatable."
    ),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Empty strings are flags that were not given. `timeout` is seconds."""

    namespace: str
    follows_context: bool
    timeout: float
    kubeconfig: str
    context: str
    cluster: str
    user: str
    cluster_fields: Mapping[str, object]
    user_fields: Mapping[str, object]
    as_user: str
    as_groups: tuple[str, ...]

    @classmethod
    def of(cls, ctx: click.Context) -> Settings:
        """Raises CliError for a namespace or a duration that is none."""
        cluster = {
            "server": given(ctx, "server"),
            "tls-server-name": given(ctx, "tls_server_name"),
            "certificate-authority": given(ctx, "certificate_authority"),
            "insecure-skip-tls-verify": given(ctx, "insecure_skip_tls_verify"),
        }
        user = {
            "token": given(ctx, "token"),
            "client-certificate": given(ctx, "client_certificate"),
            "client-key": given(ctx, "client_key"),
        }
        as_user, as_groups = given(ctx, "as_user", ""), tuple(given(ctx, "as_groups", ()))
        if as_groups and not as_user:
            raise CliError("--as-group needs --as: a group is impersonated together with a user")
        return cls(
            namespace=_namespace(given(ctx, "namespace", ""), os.environ),
            follows_context=bool(
                given(ctx, "ns_follows_kube_context") or os.environ.get("FLUX_NS_FOLLOWS_KUBE_CONTEXT")
            )
            and not given(ctx, "namespace"),
            timeout=_seconds(given(ctx, "timeout", "5m0s")),
            kubeconfig=given(ctx, "kubeconfig", ""),
            context=given(ctx, "kube_context", ""),
            cluster=given(ctx, "cluster", ""),
            user=given(ctx, "user", ""),
            cluster_fields={key: value for key, value in cluster.items() if value},
            user_fields={key: value for key, value in user.items() if value},
            as_user=as_user,
            as_groups=as_groups,
        )


def _namespace(flag: str, environ: Mapping[str, str]) -> str:
    if flag:
        if not _LABEL.fullmatch(flag):
            raise CliError(f'namespace must be a valid DNS label: "{flag}"')
        return flag
    named = environ.get("FLUX_SYSTEM_NAMESPACE", "")
    if named and not _LABEL.fullmatch(named):
        say(Symbol.WARNING, f' ignoring invalid FLUX_SYSTEM_NAMESPACE: "{named}"')
        return _DEFAULT_NAMESPACE
    return named or _DEFAULT_NAMESPACE


def _seconds(text: str) -> float:
    from shared.model.duration import parse_duration

    try:
        seconds = parse_duration(text).total_seconds()
    except ValueError as error:
        raise CliError(f'--timeout "{text}" is no duration: write it like 30s or 5m0s') from error
    if seconds <= 0:
        raise CliError(f'--timeout "{text}" leaves no time: write it like 30s or 5m0s')
    return seconds
