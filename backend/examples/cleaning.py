"""Looking the examples over, and mending what a person asks to have mended: one edit each, which undo takes back."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from backend.errors import BadInput
from backend.examples.entity_text import write_spans
from backend.examples.example import Example, Span
from backend.examples.filters import Filter
from backend.examples.findings import KINDS, MENDS, Finding, FindingKind, Mend
from backend.examples.personal import is_korean, mask, masked
from backend.examples.scanning import Scan
from backend.examples.store import ExampleStore

__all__ = ["Finding", "FindingKind", "Mend", "look_over", "mend"]

TOLD: Final = 1_000
SAMPLES: Final = 5
PAGE: Final = 1_000


def look_over(store: ExampleStore, kinds: Iterable[FindingKind] = KINDS) -> list[Finding]:
    """What may be wrong, the gravest first; [] when nothing is. Reads everything: 100,000 examples take about 12 s."""
    scan = Scan(store.task(), frozenset(kinds)).through(store.each(None, "look"))
    return [
        Finding(kind, len(found.ids), tuple(found.ids[:TOLD]), _samples(store, found.shown), tuple(found.about))
        for kind, found in scan.found()
    ]


def _samples(store: ExampleStore, ids: Sequence[int]) -> tuple[Example, ...]:
    """In the order asked for, since neighbours belong together."""
    wanted = ids[:SAMPLES]
    found = {example.id: example for example in store.page(Filter(ids=tuple(wanted)), limit=SAMPLES)}
    return tuple(found[one] for one in wanted if one in found)


def mend(
    store: ExampleStore, kind: FindingKind, how: Mend, ids: Sequence[int] | None = None, into: str | None = None
) -> int:
    """Mend a finding, or those of its examples named by `ids`; how many examples were touched.

    What is concerned is looked for anew, so that nothing is mended that was meanwhile. `into` is the label that rare
    ones are merged into. Raises BadInput("error.mend" | "error.mend_label").
    """
    if how not in MENDS.get(kind, ()):
        raise BadInput("error.mend", mend=how)
    scan = Scan(store.task(), frozenset({kind})).through(store.each(None, "look"))
    found = dict(scan.found()).get(kind)
    concerned = scan.minority() if how == "keep_majority" else found.ids if found else []
    if ids is not None:
        chosen = set(ids)
        concerned = [one for one in concerned if one in chosen]
    if not concerned:
        return 0
    if how == "mask":
        return store.rewrite(_masked(store, concerned), "mask").count
    if how == "merge_label":
        return store.rewrite(_merged(store, concerned, into, scan.spelled()), "clean").count
    return store.remove(concerned, "clean")


def _read(store: ExampleStore, ids: Sequence[int]) -> Iterator[Example]:
    for start in range(0, len(ids), PAGE):
        yield from store.page(Filter(ids=tuple(ids[start : start + PAGE])), limit=PAGE)


def _masked(store: ExampleStore, ids: Sequence[int]) -> list[Example]:
    return [without_personal(example) for example in _read(store, ids)]


def _merged(store: ExampleStore, ids: Sequence[int], into: str | None, spelled: dict[str, str]) -> list[Example]:
    if not spelled and not (into or "").strip():
        raise BadInput("error.mend_label")
    return [
        example.model_copy(update={"output": (into or "").strip() or spelled.get(example.output, example.output)})
        for example in _read(store, ids)
    ]


def without_personal(example: Example) -> Example:
    """The example with its personal data masked; marked places move along, and an answer made of them is rewritten."""
    korean = is_korean(example.text() + example.output)
    texts = {name: masked(text, korean) for name, text in example.variables.items()}
    variables = {name: one.text for name, one in texts.items()}
    changed: dict[str, object] = {"variables": variables, "output": mask(example.output, korean)}
    if example.rejected is not None:
        changed["rejected"] = mask(example.rejected, korean)
    if example.spans is not None:
        spans = [
            Span(start=start, end=end, label=span.label, variable=span.variable)
            for span in example.spans
            if (one := texts.get(span.variable)) and (start := one.moved(span.start)) < (end := one.moved(span.end))
        ]
        changed |= {"spans": tuple(spans), "output": write_spans(variables, spans)}
    return example.model_copy(update=changed)
