"""A repository of many Kustomizations and HelmReleases, written to a folder."""

from __future__ import annotations

from pathlib import Path

SOURCE = "sourceRef: {kind: GitRepository, name: flux-system}"
SYNC = f"""\
apiVersion: kustomize.toolkit.fluxcd.io/v1
kind: Kustomization
metadata: {{name: flux-system, namespace: flux-system}}
spec: {{interval: 1h, path: ./clusters/production, prune: true, {SOURCE}}}
"""
VARIABLES = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: variables, namespace: flux-system}
data: {who: world}
---
apiVersion: v1
kind: Secret
metadata: {name: values, namespace: flux-system}
stringData: {values.yaml: "colour: crimson"}
"""
CHART = "apiVersion: v2\nname: web\nversion: 1.2.3\n"
TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: "{{ .Release.Name }}"}
data: {colour: "{{ .Values.colour }}", size: "{{ .Values.size }}"}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: "{{ .Release.Name }}"}
rules: []
"""


def kustomization(name: str, path: str, more: str = "") -> str:
    return (
        "---\napiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n"
        f"metadata: {{name: {name}, namespace: flux-system}}\n"
        f"spec: {{interval: 1h, path: {path}, prune: true, {SOURCE}{', ' + more if more else ''}}}\n"
    )


def release(name: str) -> str:
    return f"""\
---
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata: {{name: {name}, namespace: flux-system}}
spec:
  interval: 1h
  targetNamespace: shop
  releaseName: {name}
  chart: {{spec: {{chart: ./charts/web, {SOURCE}}}}}
  valuesFrom: [{{kind: Secret, name: values}}]
  values: {{size: 3}}
"""


def write(root: Path, *, apps: int = 1, releases: int = 1) -> Path:
    """-> the entry point."""
    entry = root / "clusters" / "production"
    files = {
        ".git/HEAD": "ref: refs/heads/main\n",
        "clusters/production/sync.yaml": SYNC,
        "clusters/production/variables.yaml": VARIABLES,
        "charts/web/Chart.yaml": CHART,
        "charts/web/values.yaml": "colour: none\n",
        "charts/web/templates/all.yaml": TEMPLATE,
        "releases/all.yaml": "".join(release(f"web-{number}") for number in range(releases)),
    }
    substitute = "postBuild: {substituteFrom: [{kind: ConfigMap, name: variables}]}"
    listed = [kustomization("releases", "./releases")]
    for number in range(apps):
        depends = f"dependsOn: [{{name: app-{number + 1}}}], " if number + 1 < apps else ""
        listed.append(kustomization(f"app-{number}", f"./apps/{number}", depends + substitute))
        files[f"apps/{number}/a.yaml"] = (
            f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: app-{number}, namespace: apps}}\n"
            "data: {hello: '${who}'}\n"
        )
    files["clusters/production/all.yaml"] = "".join(listed)
    for path, text in files.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text)
    return entry
