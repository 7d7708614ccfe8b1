"""Assorted charts that use what charts use: each template family, sub-charts, hooks, files, CRDs, odd YAML."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.charts import FILES, about, packed


class Case(NamedTuple):
    files: FILES
    values: Mapping[str, Any] = MappingProxyType({})
    upgrade: bool = False


def config_map(name: str, **lines: str) -> str:
    """A template whose data are expressions."""
    data = "".join(f"  {key}: {{{{ {line} | quote }}}}\n" for key, line in lines.items())
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\ndata:\n{data}"


STRINGS = config_map(
    "strings",
    trim='trim "  a "',
    trimAll='trimAll "$" "$5.00$"',
    trimPrefix='trimPrefix "a" "ab"',
    upper='upper "abc"',
    title='title "hello world"',
    repeat='repeat 3 "ab"',
    substr='substr 0 3 "abcdef"',
    nospace='nospace "a b c"',
    trunc='trunc -3 "abcdef"',
    abbrev='abbrev 6 "hello world"',
    initials='initials "First Try"',
    wrap='wrap 5 "aaa bbb ccc"',
    contains='contains "cat" "catch"',
    snakecase='snakecase "FirstName"',
    camelcase='camelcase "http_server"',
    kebabcase='kebabcase "FirstName"',
    swapcase='swapcase "aB"',
    replace='replace " " "-" "a b"',
    plural='plural "one" "many" 2',
    indent='indent 2 "a\\nb"',
    nindent='nindent 2 "a"',
    printf='printf "%05d|%-5s|%q|%.2f" 42 "x" "y" 1.5',
    squote='squote "it"',
    cat='cat "a" "b" 1',
    splitList='splitList "," "a,b,c"',
    split='(split "$" "a$b")._1',
    join='join "-" (list "a" "b" 1)',
    sortAlpha='sortAlpha (list "c" "a" "b")',
    regexMatch='regexMatch "^[a-z]+$" "abc"',
    regexFindAll='regexFindAll "[0-9]" "1a2b3" -1',
    regexReplaceAll='regexReplaceAll "a(x*)b" "-ab-axxb-" "${1}W"',
    regexSplit='regexSplit "z+" "pizza" -1',
    html='html "<a>"',
    urlquery='urlquery "a b&c"',
)
NUMBERS = config_map(
    "numbers",
    add="add 1 2 3",
    addf="addf 1.5 2.25",
    sub="sub 5 3",
    div="div 7 2",
    mod="mod 7 2",
    mul="mul 2 3 4",
    max="max 1 5 3",
    minf="minf 1.5 0.5",
    floor="floor 123.9999",
    ceil="ceil 1.1",
    round="round 123.555555 3",
    until="until 5",
    untilStep="untilStep 3 9 2",
    seq="seq 2 2 8",
    int64='int64 "42"',
    float64='float64 "1.5"',
    toDecimal='toDecimal "0777"',
    atoi='atoi "12"',
    bitless="lt 1 2",
    ge="ge 2.5 2.5",
    parsed="add .Values.count 1",
    fraction="mulf .Values.fraction 2",
    big="int64 .Values.big",
)
COLLECTIONS = config_map(
    "collections",
    first="first (list 1 2 3)",
    rest="rest (list 1 2 3)",
    last="last (list 1 2 3)",
    append="append (list 1) 2",
    prepend="prepend (list 1) 0",
    concat="concat (list 1) (list 2 3)",
    reverse="reverse (list 1 2 3)",
    uniq="uniq (list 1 1 2)",
    without="without (list 1 2 3) 2",
    has="has 4 (list 1 4)",
    compact='compact (list 1 "" 0 2)',
    index="index (list 10 20) 1",
    slice="slice (list 1 2 3 4) 1 3",
    chunk="chunk 2 (list 1 2 3)",
    dict='dict "a" 1 "b" (list 2)',
    get='get (dict "a" 1) "a"',
    hasKey='hasKey (dict "a" 1) "b"',
    keys='keys (dict "a" 1 "b" 2) | sortAlpha',
    values='values (dict "a" 1)',
    pick='pick (dict "a" 1 "b" 2) "a"',
    omit='omit (dict "a" 1 "b" 2) "a"',
    merge='merge (dict "a" 1) (dict "a" 2 "b" 3)',
    mergeOverwrite='mergeOverwrite (dict "a" 1) (dict "a" 2 "b" 3)',
    dig='dig "a" "b" "none" (dict "a" (dict "b" 5))',
    deepCopy='deepCopy (dict "a" (list 1 2))',
    pluck='pluck "a" (dict "a" 1) (dict "a" 2)',
    unset='unset (dict "a" 1 "b" 2) "a"',
    range='$s := "" }}{{ range $k, $v := .Values.map }}{{ $s = printf "%s%s=%v;" $s $k $v }}{{ end }}{{ $s',
)
ENCODINGS = config_map(
    "encodings",
    b64enc='b64enc "a/b?"',
    b64dec='b64dec "YS9iPw=="',
    b32enc='b32enc "abc"',
    sha1sum='sha1sum "abc"',
    sha256sum='sha256sum "abc"',
    sha512sum='sha512sum "abc" | trunc 20',
    adler32sum='adler32sum "abc"',
    toJson="toJson .Values.map",
    toPrettyJson="toPrettyJson .Values.map",
    toRawJson='toRawJson (dict "a" "<b>")',
    fromJson='(fromJson "{\\"a\\": 1}").a',
    fromJsonArray='fromJsonArray "[1, 2]"',
    fromYaml='(fromYaml "a: {b: 1}").a.b',
    fromYamlArray='fromYamlArray "[a, b]"',
    broken='(fromYaml "a: [").Error',
    toYaml="toYaml .Values.map",
    toToml="toToml .Values.map",
    urlParse='(urlParse "https://user@host:80/path?q=1#f").host',
    urlJoin='urlJoin (dict "scheme" "http" "host" "h:80" "path" "/p")',
    base='base "/a/b.txt"',
    dir='dir "/a/b.txt"',
    ext='ext "b.txt"',
    clean='clean "/a/../b"',
    isAbs='isAbs "/a"',
    uuid='regexMatch "^[0-9a-f-]{36}$" uuidv4',
    derived='derivePassword 1 "long" "password" "user" "example.com"',
)
TYPES = config_map(
    "types",
    default='default "x" .Values.nothing',
    empty='empty ""',
    coalesce='coalesce "" 0 "a"',
    ternary='ternary "y" "n" true',
    all='all 1 ""',
    any='any "" 1',
    typeOf="typeOf .Values.count",
    kindOf="kindOf .Values.map",
    kindIs='kindIs "map" .Values.map',
    deepEqual="deepEqual (list 1) (list 1)",
    toString="toString .Values.fraction",
    toStrings="toStrings (list 1 2)",
    quoted="quote .Values.count .Values.text",
    semver='(semver "1.2.3-rc.1+build").Prerelease',
    semverCompare='semverCompare ">=1.20-0 <2" .Values.version',
    kube='semverCompare ">=1.30-0" .Capabilities.KubeVersion.Version',
    date='date "2006-01-02" (toDate "2006-01-02" "2024-05-06")',
    dateInZone='dateInZone "15:04" (toDate "2006-01-02" "2024-05-06") "UTC"',
    duration='duration "95"',
    durationRound='durationRound "2400h10m5s"',
    unixEpoch='unixEpoch (toDate "2006-01-02" "2024-05-06")',
    nulls="kindOf .Values.nothing",
    andor='and (or false "x") "y"',
    dns='getHostByName "localhost"',
    found='lookup "v1" "Namespace" "" "default"',
)
VALUES = (
    "count: 3\nfraction: 1.5\nbig: 9007199254740993\ntext: 'yes'\nversion: v1.24.1\n"
    "map: {b: 2, a: [x, y], c: {d: true}}\nnested: {tpl: '{{ .Release.Name }}-{{ .Values.text }}'}\n"
)
HELPERS = """\
{{- define "web.labels" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}
{{- define "web.rec" -}}
{{- if gt (int .n) 0 }}{{ .n }},{{ include "web.rec" (dict "n" (sub .n 1)) }}{{ end -}}
{{- end }}
"""
CONTEXT = """\
apiVersion: v1
kind: Secret
metadata:
  name: {{ printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
  namespace: {{ .Release.Namespace }}
  labels:
    {{- include "web.labels" . | nindent 4 }}
    helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
stringData:
  release: "{{ .Release.Service }} {{ .Release.Revision }} {{ .Release.IsInstall }} {{ .Release.IsUpgrade }}"
  chart: {{ .Chart.AppVersion | quote }} # {{ .Chart.Type }} {{ (index .Chart.Maintainers 0).Name }}
  template: {{ .Template.Name }} {{ .Template.BasePath }}
  tpl: {{ tpl .Values.nested.tpl . }}
  tplFile: {{ tpl (.Files.Get "files/note.txt") . | quote }}
  recursion: {{ include "web.rec" (dict "n" 5) }}
  required: {{ required "count is needed" .Values.count }}
  with: {{ with .Values.map }}{{ .b }}{{ else }}none{{ end }}
  {{- range $i, $e := until 3 }}{{ if eq $i 2 }}{{ break }}{{ end }}
  item-{{ $i }}: {{ $e | quote }}
  {{- end }}
{{- /* a comment */ -}}
{{- block "extra" . }}
  block: "yes"
{{- end }}
"""
FILES_TEMPLATE = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: files}
data:
{{ (.Files.Glob "files/*.txt").AsConfig | indent 2 }}
  lines: "{{ range .Files.Lines "files/note.txt" }}[{{ . }}]{{ end }}"
  absent: {{ .Files.Get "nothing" | quote }}
  hash: {{ .Files.Get "files/data.bin" | sha256sum }}
---
apiVersion: v1
kind: Secret
metadata: {name: files}
data:
{{ (.Files.Glob "files/*").AsSecrets | indent 2 }}
"""
HOOKS = """\
apiVersion: batch/v1
kind: Job
metadata:
  name: migrate
  annotations:
    helm.sh/hook: pre-install,pre-upgrade
    helm.sh/hook-weight: "-5"
    helm.sh/hook-delete-policy: before-hook-creation, hook-succeeded
    helm.sh/hook-output-log-policy: hook-failed
---
apiVersion: v1
kind: Pod
metadata:
  name: probe
  annotations: {helm.sh/hook: test-success, helm.sh/hook-weight: nonsense}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ .Release.Name }}-before
  annotations: {"helm.sh/hook": Post-Delete}
---
kind: Pod
apiVersion: v1
metadata: {name: odd, annotations: {helm.sh/hook: crd-install}}
---
apiVersion: v1
kind: Service
metadata: {name: plain, annotations: {helm.sh/resource-policy: keep}}
"""
ODD_DOCUMENTS = """\


---
# a comment alone
---
apiVersion: v1
kind: ConfigMap
metadata: {name: block}
data:
  kept: |+
    two lines follow


---apiVersion: v1
kind: ServiceAccount
metadata: {name: 12, annotations: {number: 1, flag: true, fraction: 1.10}}
--- # with a comment
kind: Zebra
apiVersion: zoo/v1
metadata: {name: z}
---
kind: Ant
apiVersion: zoo/v1
metadata: {name: a}
---
apiVersion: v1
kind: Namespace
metadata: {name: first}
"""


def _child(name: str, template: str = "", values: str = "") -> dict[str, str | bytes]:
    return {
        "Chart.yaml": about(name, "0.3.0"),
        "values.yaml": values,
        "templates/all.yaml": template or config_map(f"of-{name}", values="toJson .Values"),
        "crds/kind.yaml": f"# {name}\n",
        "templates/NOTES.txt": f"notes of {name}",
    }


def _inside(name: str, files: FILES) -> dict[str, str | bytes]:
    return {f"charts/{name}/{path}": data for path, data in files.items()}


_DEPENDENCIES = """\
type: application
dependencies:
- {name: cache, version: 0.x, repository: "", condition: cache.enabled, import-values: [data]}
- {name: cache, version: 0.x, repository: "", alias: second, tags: [more]}
- {name: packed, version: 0.x, repository: "", import-values: [{child: a.b, parent: taken}]}
- {name: off, version: 0.x, repository: "", condition: off.enabled}
"""
SUBCHARTS: dict[str, str | bytes] = {
    "Chart.yaml": about(more=_DEPENDENCIES),
    "Chart.lock": "dependencies:\n- name: cache\n  repository: ''\n  version: 0.3.0\n"
    "digest: sha256:0\ngenerated: '2024-01-02T03:04:05.678901234Z'\n",
    "values.yaml": "cache: {enabled: true, size: 2}\noff: {enabled: false}\nglobal: {zone: a}\n",
    "templates/parent.yaml": config_map(
        "parent", all="toJson .Values", subcharts="keys .Subcharts | sortAlpha"
    ),
    "templates/NOTES.txt": "the parent's {{ .Release.Name }}\n",
    "crds/parent.yaml": "# parent\n",
    **_inside("cache", _child("cache", values="size: 1\nexports: {data: {port: 6379}}\n")),
    **_inside("off", _child("off")),
    "charts/packed-0.3.0.tgz": packed(_child("packed", values="a: {b: {c: 1}}\n"), "packed"),
    "charts/_ignored/Chart.yaml": about("ignored"),
}

CASES: dict[str, Case] = {
    "functions": Case(
        {
            "Chart.yaml": about(more="appVersion: 1.10\nmaintainers: [{name: Ada}]\ntype: application\n"),
            "values.yaml": VALUES,
            "files/note.txt": "name {{ .Release.Name }}\nend",
            "templates/_helpers.tpl": HELPERS,
            "templates/strings.yaml": STRINGS,
            "templates/numbers.yaml": NUMBERS,
            "templates/collections.yaml": COLLECTIONS,
            "templates/encodings.yaml": ENCODINGS,
            "templates/types.yaml": TYPES,
            "templates/context.yaml": CONTEXT,
        },
        {"count": 41, "map": {"b": 7}},
    ),
    "files": Case(
        {
            "Chart.yaml": about(),
            "templates/files.yaml": FILES_TEMPLATE,
            "files/note.txt": "one\ntwo",
            "files/other.txt": "\ufeffthree\n",
            "files/data.bin": bytes(range(256)),
            ".helmignore": "files/\n",
            "README.md": "read",
        }
    ),
    "hooks": Case({"Chart.yaml": about(), "templates/hooks.yaml": HOOKS}, upgrade=True),
    "odd documents": Case({"Chart.yaml": about(), "templates/deep/odd.yaml": ODD_DOCUMENTS}),
    "sub-charts": Case(SUBCHARTS, {"tags": {"more": True}, "second": {"size": 9}, "extra": [1, {"a": None}]}),
    "sub-charts switched": Case(
        SUBCHARTS, {"cache": {"enabled": False}, "off": {"enabled": True}, "tags": {"more": False}}
    ),
    "a schema": Case(
        {
            "Chart.yaml": about(),
            "values.yaml": "replicas: 1\n",
            "values.schema.json": '{"type": "object", "properties": {"replicas": {"type": "integer"}}}',
            "templates/a.yaml": config_map("a", n=".Values.replicas"),
        },
        {"replicas": 3},
    ),
    "the old format": Case(
        {
            "Chart.yaml": "apiVersion: v1\nname: web\nversion: 0.1.0\n",
            "requirements.yaml": "dependencies:\n- {name: cache, version: 0.3.0, repository: ''}\n",
            "requirements.lock": "dependencies: []\ndigest: sha256:1\ngenerated: '2020-01-01T00:00:00Z'\n",
            "templates/a.yaml": config_map("a", n=".Chart.Name"),
            **_inside("cache", _child("cache")),
        }
    ),
    "nothing": Case({"Chart.yaml": about(), "templates/a.yaml": "{{ if .Values.on }}a: b{{ end }}\n"}),
}
