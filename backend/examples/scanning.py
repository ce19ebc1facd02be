"""One pass over all examples that collects what cleaning needs, and what is then found in it. Ids only, few texts."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final, get_args

from backend.examples.example import Example
from backend.examples.findings import KINDS, FindingKind
from backend.examples.near_duplicates import near_duplicates, plain
from backend.examples.notes import Note
from backend.examples.personal import PersonalKind, kinds_in
from backend.examples.scripts import script
from backend.examples.task import Task

HUGE: Final = 10_000
"""Characters of an example that is longer than what small models take in at once."""
RARE: Final = 5
"""A label with fewer examples cannot be measured, nor divided among three splits."""
MAIN: Final = 0.6
"""Share of the examples that must be in one script before the others are odd."""
COMPARED: Final = 150_000_000
"""Characters of texts held for the search for near-duplicates; beyond, examples are left out and that is said."""
NAMED: Final = 10


@dataclass
class Found:
    """`ids` of the examples concerned, and ids to look at: those that belong together side by side."""

    ids: list[int] = field(default_factory=list)
    shown: list[int] = field(default_factory=list)
    about: list[Note] = field(default_factory=list)

    def add(self, *ids: int) -> None:
        self.ids += ids
        self.shown += ids[: max(0, 10 - len(self.shown))]


class Scan:
    """What was seen of each example, in the order of their ids."""

    def __init__(self, task: Task | None, kinds: Collection[FindingKind] = KINDS) -> None:
        self.labelled = task is not None and task.labelled
        self.answers_agree = task is not None and (task.labelled or task.kind == "entities")
        self.translation = task is not None and task.kind == "translation"
        self.kinds = kinds
        self.ids: list[int] = []
        self.keys: list[bytes] = []
        self.outputs: list[str] = []
        self.scripts: list[str | None] = []
        self.empty, self.huge, self.personal = Found(), Found(), Found()
        self.pieces: Counter[PersonalKind] = Counter()
        self.texts: dict[bytes, str] = {}
        self.letters = 0
        self.left_out = 0
        self._answers: dict[str, str] = {}

    def through(self, examples: Iterable[Example]) -> Scan:
        for example in examples:
            self._see(example)
        return self

    def _see(self, example: Example) -> None:
        text, output = example.text(), example.output
        if not text.strip() or not output.strip():
            self.empty.add(example.id)
        if len(text) + len(output) > HUGE:
            self.huge.add(example.id)
        if "personal_data" in self.kinds and (kinds := kinds_in([text, output, example.rejected or ""])):
            self.personal.add(example.id)
            self.pieces.update(kinds)
        folded = plain(text)
        # An empty input is like no other.
        named = folded or f"\0{example.id}"
        key = blake2b(named.encode("utf-8", "surrogatepass"), digest_size=12).digest()
        self.ids.append(example.id)
        self.keys.append(key)
        # Answers repeat: one text for all that are equal.
        self.outputs.append(self._answers.setdefault(output, output) if len(output) <= 60 else _short(output))
        self.scripts.append(None if self.translation else script(text))
        self._keep(key, folded)

    def _keep(self, key: bytes, folded: str) -> None:
        if "near_duplicate" not in self.kinds or not folded or key in self.texts:
            return
        if self.letters + len(folded) > COMPARED:
            self.left_out += 1
            return
        self.texts[key] = folded
        self.letters += len(folded)

    # --- what is found

    def found(self) -> Iterator[tuple[FindingKind, Found]]:
        """The kinds asked for that concern at least one example, in the order of KINDS."""
        ways = {
            "empty": lambda: self.empty,
            "contradiction": self.contradictions,
            "personal_data": self.personal_data,
            "duplicate": self.duplicates,
            "near_duplicate": self.near,
            "huge": lambda: self.huge,
            "rare_label": self.rare_labels,
            "label_spelling": self.spellings,
            "mixed_language": self.languages,
        }
        for kind in KINDS:
            if kind in self.kinds and (found := ways[kind]()).ids:
                yield kind, found

    def personal_data(self) -> Found:
        kinds: tuple[PersonalKind, ...] = get_args(PersonalKind)
        seen = [(kind, self.pieces[kind]) for kind in kinds if self.pieces[kind]]
        self.personal.about = [Note(f"cleaning.about.personal_{kind}", {"count": count}) for kind, count in seen]
        return self.personal

    def duplicates(self) -> Found:
        """Same input (but for case, blanks and marks) and same answer: all but the first."""
        groups: dict[tuple[bytes, str], list[int]] = defaultdict(list)
        for example_id, key, output in zip(self.ids, self.keys, self.outputs, strict=True):
            groups[key, output.strip().casefold()].append(example_id)
        return _later(group for group in groups.values() if len(group) > 1)

    def near(self) -> Found:
        """Nearly the same input: all but the first of a group. Equal ones are duplicates or contradictions."""
        first: dict[bytes, int] = {}
        for example_id, key in zip(self.ids, self.keys, strict=True):
            first.setdefault(key, example_id)
        keys = list(self.texts)
        groups = near_duplicates(list(self.texts.values()))
        found = _later([first[keys[at]] for at in group] for group in groups)
        if self.left_out:
            found.about.append(Note("cleaning.about.left_out", {"count": self.left_out}))
        return found

    def contradictions(self) -> Found:
        """Same input, different labels."""
        found = Found()
        if not self.answers_agree:
            return found
        answers: dict[bytes, set[str]] = defaultdict(set)
        for key, output in zip(self.keys, self.outputs, strict=True):
            answers[key].add(output.strip().casefold())
        groups: dict[bytes, list[int]] = defaultdict(list)
        for example_id, key in zip(self.ids, self.keys, strict=True):
            if len(answers[key]) > 1:
                groups[key].append(example_id)
        for group in groups.values():
            found.add(*group)
        found.about = [Note("cleaning.about.contradiction", {"count": len(groups)})] if groups else []
        return found

    def minority(self) -> list[int]:
        """Of contradictions the examples that go when the majority's answer stays; all of an input where two lead."""
        votes: dict[bytes, Counter[str]] = defaultdict(Counter)
        for key, output in zip(self.keys, self.outputs, strict=True):
            votes[key][output.strip().casefold()] += 1
        gone = []
        for example_id, key, output in zip(self.ids, self.keys, self.outputs, strict=True):
            best = votes[key].most_common(2)
            tie = len(best) > 1 and best[0][1] == best[1][1]
            if len(best) > 1 and (tie or output.strip().casefold() != best[0][0]):
                gone.append(example_id)
        return gone

    def rare_labels(self) -> Found:
        if not self.labelled:
            return Found()
        counts = Counter(self.outputs)
        rare = {label: count for label, count in counts.items() if count < RARE and label.strip()}
        if len(rare) == len(counts) and len(self.ids) < RARE * len(counts):
            return Found()  # a small beginning, not a crowd with a few stragglers
        found = Found()
        found.add(*(one for one, output in zip(self.ids, self.outputs, strict=True) if output in rare))
        found.about = [Note("cleaning.about.rare_label", {"labels": _listed(rare), "count": len(rare), "few": RARE})]
        return found

    def spellings(self) -> Found:
        """Labels that differ in case or blanks only."""
        if not self.labelled:
            return Found()
        into = self.spelled()
        found = Found()
        found.add(*(one for one, output in zip(self.ids, self.outputs, strict=True) if output in into))
        pairs = ", ".join(f"{wrong} → {right}" for wrong, right in list(into.items())[:NAMED])
        found.about = [Note("cleaning.about.label_spelling", {"labels": pairs})]
        return found

    def spelled(self) -> dict[str, str]:
        """Spellings of labels that are not the commonest of theirs, and that one."""
        groups: dict[str, list[str]] = defaultdict(list)
        for label, _ in Counter(self.outputs).most_common():
            if label.strip():
                groups["".join(label.casefold().replace("_", " ").split())].append(label)
        return {label: labels[0] for labels in groups.values() for label in labels[1:]}

    def languages(self) -> Found:
        """Inputs in another script than most."""
        counts = Counter(one for one in self.scripts if one)
        found = Found()
        if not counts or len(counts) < 2 or counts.most_common(1)[0][1] < MAIN * counts.total():
            return found
        main = counts.most_common(1)[0][0]
        found.add(*(one for one, name in zip(self.ids, self.scripts, strict=True) if name not in (None, main)))
        found.about = [Note(f"cleaning.about.mostly_{main}", {"count": counts[main]})]
        return found


def _later(groups: Iterable[list[int]]) -> Found:
    """All but the first of each group; shown with it."""
    found = Found()
    count = 0
    for group in groups:
        count += 1
        found.ids += group[1:]
        found.shown += group[: max(0, 10 - len(found.shown))]
    found.about = [Note("cleaning.about.groups", {"count": count})] if count else []
    return found


def _listed(counts: dict[str, int]) -> str:
    some = sorted(counts.items(), key=lambda item: (item[1], item[0]))[:NAMED]
    return ", ".join(f"{label} ({count})" for label, count in some) + (", …" if len(counts) > NAMED else "")


def _short(output: str) -> str:
    """A long answer as a name of its own."""
    return output[:40] + blake2b(output.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
