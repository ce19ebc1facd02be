"""Marked places in a text, as the tools for marking write them, read from the JSON text of a cell.

[[0, 3, "PER"], ...]                          doccano, spaCy
[{"start": 0, "end": 3, "label": "PER"}]      Prodigy, GLiNER; also begin/offset/length, entity/type/tag
{"entities": [...]}                           spaCy
[{"result": [{"value": {"start", "end", "labels": [...]}}]}]   Label Studio
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Final

from backend.examples.iob import Place

LABEL_KEYS: Final = ("label", "labels", "type", "entity", "entity_group", "entity_type", "tag", "ner", "class")
START_KEYS: Final = ("start", "begin", "start_offset", "start_char", "offset", "from")
END_KEYS: Final = ("end", "end_offset", "end_char", "to")
INSIDE: Final = ("entities", "spans", "result", "annotations", "labels", "value", "ne", "NE")


def read_places(cell: str) -> list[Place] | None:
    """The places in a cell, in order; [] of one without any, None when it is something else."""
    if not cell.strip() or cell.strip() in ("[]", "{}"):
        return []
    if not cell.lstrip().startswith(("[", "{")):
        return None
    try:
        found = list(_places(json.loads(cell)))
    except (ValueError, TypeError, RecursionError):
        return None
    return sorted(set(found), key=lambda place: (place[0], -place[1], place[2])) if found else None


def _places(value: Any) -> Iterator[Place]:
    if isinstance(value, Mapping):
        place = _place(value)
        if place is not None:
            yield place
            return
        for key in INSIDE:
            if isinstance(value.get(key), (list, dict)):
                yield from _places(value[key])
                return
        return
    if not isinstance(value, list):
        return
    if len(value) >= 3 and _number(value[0]) and _number(value[1]) and isinstance(value[2], str):
        yield value[0], value[1], value[2]
        return
    for item in value:
        yield from _places(item)


def _place(value: Mapping[str, Any]) -> Place | None:
    start = next((value[key] for key in START_KEYS if _number(value.get(key))), None)
    end = next((value[key] for key in END_KEYS if _number(value.get(key))), None)
    if start is not None and end is None and _number(value.get("length")):
        end = start + value["length"]
    label = next((value[key] for key in LABEL_KEYS if value.get(key)), None)
    if isinstance(label, list):
        label = label[0]
    return (start, end, label) if start is not None and end is not None and isinstance(label, str) else None


def _number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0
