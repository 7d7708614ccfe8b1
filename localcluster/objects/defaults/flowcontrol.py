"""Defaults of API priority and fairness."""

from __future__ import annotations

from typing import Any

Json = dict[str, Any]
_FLOW = "io.k8s.api.flowcontrol.v1."


def _flow_schema(value: Json) -> None:
    value.setdefault("matchingPrecedence", 1000)


def _exempt(value: Json) -> None:
    value.setdefault("nominalConcurrencyShares", 0)
    value.setdefault("lendablePercent", 0)


def _limited(value: Json) -> None:
    if value.get("nominalConcurrencyShares") is None:
        value["nominalConcurrencyShares"] = 30
    value.setdefault("lendablePercent", 0)


def _queuing(value: Json) -> None:
    value.setdefault("handSize", 8)
    value.setdefault("queues", 64)
    value.setdefault("queueLengthLimit", 50)


RULES = {
    _FLOW + "FlowSchemaSpec": _flow_schema,
    _FLOW + "ExemptPriorityLevelConfiguration": _exempt,
    _FLOW + "LimitedPriorityLevelConfiguration": _limited,
    _FLOW + "QueuingConfiguration": _queuing,
}
