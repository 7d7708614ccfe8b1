"""The commit message from its template (spec image 17). Runs in the git worker, which can be ended.

gotpl renders as Go's text/template does. A template is a stranger's program: it sees values of ours alone
(never an attribute of a Python object), within budgets for steps, depth, output and memory; what would make
the same input give another message is left out of its functions.
"""

import resource
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from controllers.image_automation.go_struct import Struct, plain

_MAX_TEMPLATE = 256 * 1024
_MAX_OUTPUT = 512 * 1024
_MAX_STEPS = 1_000_000
_MAX_DEPTH = 100
_MAX_MEMORY = 320 * 1024 * 1024
_STATM = Path("/proc/self/statm")

# The clock, chance, the network, the environment, and what needs minutes or ends the rendering.
_LEFT_OUT = frozenset(
    {
        *("ago", "durationRound", "randInt", "shuffle"),
        *("bcrypt", "htpasswd", "derivePassword", "encryptAES", "decryptAES", "genPrivateKey"),
        *("genCA", "genCAWithKey", "genSelfSignedCert", "genSelfSignedCertWithKey"),
        *("genSignedCert", "genSignedCertWithKey", "buildCustomCert"),
    }
)
# What `semver` answers with has these; nothing else in reach has any of them.
_OF_VERSIONS = ("Major", "Minor", "Patch", "Prerelease", "Metadata", "Original")
_JSON = ("toJson", "toPrettyJson", "toRawJson", "mustToJson", "mustToPrettyJson", "mustToRawJson")


class _Removed(Exception):
    """The template uses a field that there was once."""


def render(argument: Mapping[str, Any]) -> dict[str, Any]:
    """Job: `template`, `values`, `name` and `namespace` of the automation, `changes` as editing.py gives
    them -> one of `message`, `error` and `removed` (a field that exists no more).
    """
    from gotpl.environment import Environment
    from gotpl.errors import TemplateError, TemplateSyntaxError
    from gotpl.runtime.policy import ExecutionBudget, SandboxPolicy

    functions = _functions()
    budget = ExecutionBudget(
        max_output_chars=_MAX_OUTPUT,
        max_iterations=_MAX_STEPS,
        max_template_depth=_MAX_DEPTH,
        max_function_calls=_MAX_STEPS,
    )
    policy = SandboxPolicy(
        allow_attributes=_OF_VERSIONS,
        allow_properties=_OF_VERSIONS,
        allow_methods=_OF_VERSIONS,
        allow_functions=functions,
        allow_custom_lookup=True,
        max_template_chars=_MAX_TEMPLATE,
        default_budget=budget,
    )
    try:
        with _bounded_memory():
            environment = Environment(functions=functions, sandbox=policy, budget=budget)
            template = environment.from_string(argument["template"], name="commit message")
            return {"message": template.render(_data(argument))}
    except _Removed as error:
        return {"removed": str(error)}
    except TemplateSyntaxError as error:
        return {"error": f"unable to create commit message template from spec: {_first_line(error)}"}
    except TemplateError as error:
        if isinstance(error.__cause__, _Removed):
            return {"removed": str(error.__cause__)}
        return {"error": f"failed to run template from spec: {_first_line(error)}"}
    except MemoryError:
        return {"error": "failed to run template from spec: it needs too much memory"}
    except RecursionError:
        return {"error": "failed to run template from spec: nested too deeply"}


@contextmanager
def _bounded_memory() -> Iterator[None]:
    """Beyond what the process has by now."""
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    limit = _data_in_use() + _MAX_MEMORY
    resource.setrlimit(
        resource.RLIMIT_DATA, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard)
    )
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_in_use() -> int:
    """In bytes, as RLIMIT_DATA counts them (proc(5), statm: data and stack)."""
    return int(_STATM.read_text().split()[5]) * resource.getpagesize()


def _functions() -> dict[str, Callable[..., object]]:
    from gotpl.funcs.sprig import hermetic_text_func_map

    functions = {name: each for name, each in hermetic_text_func_map().items() if name not in _LEFT_OUT}
    return functions | {name: _with_plain_values(functions[name]) for name in _JSON}


def _with_plain_values(function: Callable[..., object]) -> Callable[..., object]:
    def call(value: object) -> object:
        return function(plain(value))

    return call


def _data(argument: Mapping[str, Any]) -> Struct:
    changes = argument["changes"]
    automation = Struct(
        "NamespacedName",
        f"{argument['namespace']}/{argument['name']}",
        {"Namespace": argument["namespace"], "Name": argument["name"]},
    )
    return Struct(
        "TemplateData",
        "{}",
        {
            "AutomationObject": automation,
            "Changed": _changed(changes),
            "Values": dict(argument["values"]),
        },
        {"Updated": _removal("Updated", "Changed")},
    )


def _changed(changes: Sequence[Mapping[str, str]]) -> Struct:
    files: dict[str, dict[Struct, list[Struct]]] = {}
    objects: dict[Struct, list[Struct]] = {}
    distinct: dict[tuple[str, ...], Struct] = {}
    for raw in changes:
        owner, change = _object(raw), _change(raw)
        files.setdefault(raw["file"], {}).setdefault(owner, []).append(change)
        objects.setdefault(owner, []).append(change)
        distinct.setdefault((raw["old"], raw["new"], raw["setter"]), change)
    fields = {
        "FileChanges": files,
        "Objects": objects,
        "Changes": [distinct[key] for key in sorted(distinct)],
    }
    return Struct("ResultV2", "{}", fields, {"ImageResult": _removal("Changed.ImageResult", "Changed")})


def _removal(field: str, successor: str) -> Callable[[], object]:
    def use() -> object:
        raise _Removed(
            f"template field '.{field}' has been removed, use '.{successor}' "
            "with its fields 'FileChanges', 'Objects' and 'Changes' instead"
        )

    return use


def _object(raw: Mapping[str, str]) -> Struct:
    text = f"{{{{{{{raw['api_version']} {raw['kind']}}} {{{raw['name']} {raw['namespace']}}}}}}}"
    names = {"APIVersion": "api_version", "Kind": "kind", "Name": "name", "Namespace": "namespace"}
    return Struct("ObjectIdentifier", text, {name: raw[key] for name, key in names.items()})


def _change(raw: Mapping[str, str]) -> Struct:
    fields = {"OldValue": raw["old"], "NewValue": raw["new"], "Setter": raw["setter"]}
    return Struct("Change", f"{{{raw['old']} {raw['new']} {raw['setter']}}}", fields)


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:500]
