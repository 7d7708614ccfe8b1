"""Commit messages beside genuine Go: helm renders with text/template and Sprig, as Flux does."""

from __future__ import annotations

import json
import subprocess

import pytest
import yaml

from controllers.image_automation.message import render
from tests import peers

HELM = peers.find("helm")
pytestmark = pytest.mark.skipif(HELM is None, reason="no genuine helm: python -m tests.peers")

CHANGES = [
    ("web/deploy.yaml", "web:1.0.0", "web:1.0.1", "fs:web"),
    ("jobs/cron.yaml", "v1", "v2", "fs:tidy:tag"),
    ("jobs/two words.yaml", "a <b> & 'c'", 'd "e"', "fs:é"),
]
VALUES = {"cluster": "prod", "empty": "", "list": "c,a,b", "number": "42", "long": "word " * 30, "é": "ü"}

# `.V` is the map of values, `.C` the list of changes, `.F` a map from files to lists of changes.
TEMPLATES = [
    '{{ range .C }}{{ println .OldValue "->" .NewValue }}{{ end }}',
    "{{ range $f, $c := .F }}- {{ $f }}: {{ len $c }}\n{{ end }}",
    '{{ range $i, $c := .C }}{{ if $i }}, {{ end }}{{ $c.Setter | trimPrefix "fs:" }}{{ end }}',
    "{{- range .C -}}\n  {{ .OldValue | quote }}\n{{- end -}}\n",
    "{{ with (index .C 0) }}{{ .OldValue }}{{ else }}none{{ end }}",
    '{{ $all := list }}{{ range .C }}{{ $all = append $all .NewValue }}{{ end }}{{ $all | sortAlpha | join "|" }}',
    '{{ if and (eq .V.cluster "prod") (not (empty .C)) }}yes{{ else if true }}no{{ end }}',
    '{{ if or (gt (len .C) 5) (ne .V.cluster "x") }}yes{{ end }}',
    '{{ define "one" }}[{{ .OldValue | upper }}]{{ end }}{{ range .C }}{{ template "one" . }}{{ end }}',
    '{{ block "b" .V }}{{ .cluster }}{{ end }}',
    "{{ range $k, $v := .V }}{{ $k }}={{ $v | trunc 4 }};{{ end }}",
    "{{ .V }}",
    "{{ .C }}",
    "{{ .F | toString | sha256sum }}",
    '{{ printf "%-10s|%5d|%q|%v|%t|%x" .V.cluster 7 .V.é .C true "hi" }}',
    '{{ print 1 2 "a" 3 "b" "c" 4.5 }}|{{ println }}',
    '{{ .V.list | splitList "," | sortAlpha | reverse | join " " | title }}',
    "{{ .V.long | trim | wrap 20 | indent 2 | nindent 1 }}",
    '{{ .V.cluster | repeat 3 | abbrev 8 }} {{ substr 1 3 "abcdef" }} {{ "a b" | nospace | snakecase }}',
    '{{ default "x" .V.empty }} {{ coalesce "" .V.empty "y" }} {{ ternary "a" "b" true }}',
    '{{ regexReplaceAll "([a-z]+):(.*)" "web:1.0.0" "${2} of $1" }} {{ regexFind "[0-9]+" "a12b3" }}',
    '{{ regexMatch "^v[0-9]+$" "v12" }} {{ contains "b" "abc" }} {{ hasPrefix "a" "abc" }} {{ hasSuffix "c" "abc" }}',
    '{{ semverCompare ">=1.2.0 <2" "1.4.0" }} {{ with semver "v1.2.3-rc.1+x" }}{{ .Major }} {{ .Minor }} {{ .Patch }} {{ .Prerelease }} {{ .Metadata }} {{ .Original }}{{ end }}',
    "{{ add 1 2 3 }} {{ sub 5 2 }} {{ mul 2 3 }} {{ div 7 2 }} {{ mod 7 2 }} {{ max 1 5 2 }} {{ min 4 2 }}",
    '{{ .V.number | int | add 1 }} {{ int64 "7" }} {{ float64 "1.5" }} {{ round 3.14159 2 }} {{ until 4 }}',
    '{{ dict "b" 1 "a" (list 1 2) | toJson }} {{ (dict "k" "v").k }} {{ get (dict "k" "v") "k" }}',
    '{{ keys .V | sortAlpha | first }} {{ list 1 2 3 | last }} {{ list 1 1 2 | uniq }} {{ len "é" }}',
    '{{ b64enc "hé" }} {{ b64dec "aGk=" }} {{ sha1sum "x" }} {{ "a" | squote }} {{ cat 1 "b" true }}',
    '{{ html "<a href=\\"x\\">" }} {{ js "it\'s <b>" }} {{ urlquery "a b&c" }}',
    '{{ index .V "cluster" }} {{ slice (list 1 2 3) 1 2 }} {{ eq 1 1 }} {{ lt 1 2 }} {{ le 2 2 }} {{ ge 3 4 }}',
    "{{ range $i, $e := until 5 }}{{ if eq $i 1 }}{{ continue }}{{ end }}{{ if eq $i 4 }}{{ break }}{{ end }}{{ $e }}{{ end }}",
    "a{{/* nothing */}}b {{- /* trimmed */ -}} c",
    "{{ range (list) }}x{{ else }}none{{ end }}",
    "{{ $x := 1 }}{{ if true }}{{ $x = 2 }}{{ $x := 3 }}{{ end }}{{ $x }}",
    "{{ \"back`tick\" }} {{ `raw \\n` }} {{ 'a' }} {{ 0x1F }} {{ 1e3 }} {{ -7 }} {{ true }}",
    '{{ trimAll "-" "--a--" }} {{ trimSuffix ".0" "1.0" }} {{ replace "." "_" "1.2.3" }} {{ untitle "ABC" }}',
]


def data() -> dict[str, object]:
    changes = [{"OldValue": old, "NewValue": new, "Setter": setter} for _, old, new, setter in CHANGES]
    files = {file: [change] for (file, *_), change in zip(CHANGES, changes, strict=True)}
    return {"V": VALUES, "C": changes, "F": files}


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """All templates in one chart, each result as a JSON string."""
    chart = tmp_path_factory.mktemp("chart")
    (chart / "templates").mkdir()
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: t\nversion: 0.1.0\n")
    (chart / "values.yaml").write_text(json.dumps(data()))
    documents = []
    for number, template in enumerate(TEMPLATES):
        body, shared = template, ""
        if "define" in template:
            shared, end, body = template.partition("{{ end }}")
            shared += end
        documents.append(
            f'{shared}{{{{ define "t{number}" }}}}{body}{{{{ end }}}}---\n'
            f'r{number:02}: {{{{ include "t{number}" .Values | toJson }}}}\n'
        )
    (chart / "templates" / "all.yaml").write_text("".join(documents))
    done = subprocess.run(
        [str(HELM), "template", str(chart)], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode == 0, done.stderr
    found: dict[str, str] = {}
    for document in yaml.safe_load_all(done.stdout):
        found |= document or {}
    return [found[f"r{number:02}"] for number in range(len(TEMPLATES))]


@pytest.mark.parametrize("number", range(len(TEMPLATES)), ids=TEMPLATES)
def test_the_same_text_as_go(expected: list[str], number: int, ours: dict[str, object]) -> None:
    assert rendered(TEMPLATES[number], ours) == expected[number]


@pytest.fixture(scope="module")
def ours() -> dict[str, object]:
    return data()


def rendered(template: str, values: dict[str, object]) -> str:
    """Ours takes its data as values, so that both sides see the same maps."""
    argument = {"template": f"{{{{ with .Values }}}}{template}{{{{ end }}}}", "values": values}
    if "define" in template:
        shared, end, body = template.partition("{{ end }}")
        argument["template"] = f"{shared}{end}{{{{ with .Values }}}}{body}{{{{ end }}}}"
    found = render({**argument, "name": "a", "namespace": "b", "changes": []})
    return str(found.get("message", found))
