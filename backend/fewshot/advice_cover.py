"""Do the examples cover the task: its labels, its kinds of input, its language? Are the answers evenly shown?"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final

from backend.assistants import Method, Selection, Shot
from backend.examples.entity_text import read_spans
from backend.examples.filters import Filter
from backend.fewshot import mends
from backend.fewshot.choosing import SHOT_CHARACTERS, choose, length_of, pool_for
from backend.fewshot.looked import Advice, Looked, Mend
from backend.fewshot.nearest import same

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

MOST_SHOTS: Final = 32
"""More labels than this are not all shown to every question; each question gets its nearest."""
PER_QUESTION: Final = 8
DRAWS: Final = 20
CANDIDATES: Final = 25
"""Train examples of a missing label, of which the one of middle length is taken."""
MAPPED: Final = 500
"""Train examples on which coverage is measured."""
FAR: Final = 0.8
"""A shot is far from the task when it is less alike to any train example than so much of their own first percentile."""
HANGUL: Final = re.compile(r"[가-힣ㄱ-ㆎ]")
LETTER: Final = re.compile(r"[^\W\d_]")


def labels_missing(looked: Looked) -> Iterator[Advice]:
    """Labels that no shot shows: a model seldom answers what it has not seen."""
    labels, shown = _labels(looked)
    missing = [label for label in labels if label not in shown]
    if not shown or not missing:
        return
    details = {"count": len(missing), "of": len(labels), "labels": ", ".join(missing[:8])}
    if len(labels) > MOST_SHOTS and not looked.per_input:
        yield Advice("labels_too_many", "advice", details, (), _to_nearest(looked))
    else:
        yield Advice("labels_missing", "advice", details, (), _adding(looked, missing))


def uneven(looked: Looked) -> Iterator[Advice]:
    """One answer is shown far more often than another (Zhao et al. 2021: the model leans towards it)."""
    counts = Counter(output for output in looked.outputs if output)
    if looked.per_input or not looked.label_like or len(counts) < 2:
        return
    (most, many), (least, few) = counts.most_common()[0], counts.most_common()[-1]
    if many >= 3 and many >= 2 * few:
        details = {"most": most[:40], "many": many, "least": least[:40], "few": few}
        yield Advice("uneven", "advice", details, (), mends.even_out)


def block_last(looked: Looked) -> Iterator[Advice]:
    """The shots end with several of one answer (Zhao et al. 2021: the last ones weigh most)."""
    outputs = looked.outputs
    if looked.per_input or not looked.label_like or len(set(outputs)) < 2:
        return
    run, mended = _last_run(outputs), mends.alternate(looked.examples)
    if run >= 2 and run > _last_run([shot.output.strip() for shot in mended.shots]):
        places = tuple(range(len(outputs) - run, len(outputs)))
        yield Advice("block_last", "advice", {"count": run, "answer": outputs[-1][:40]}, places, mends.alternate)


def narrow(looked: Looked) -> Iterator[Advice]:
    """The shots cover the train data less than any of twenty drawn sets of as many; the mend is the best of these."""
    count = len(looked.shots)
    if looked.per_input or not 2 <= count <= min(len(looked.train) // 10, 64):
        return
    method: Method = "balanced" if looked.label_like else "random"
    ways = [Selection(method=method, count=count, seed=seed) for seed in range(DRAWS)]
    picks = [choose(looked.train, way) for way in ways]
    mapped = [one.text() for one in looked.train[:: max(1, len(looked.train) // MAPPED)]]
    own, *drawn = _coverages(mapped, [looked.shots, *picks])
    if own < min(drawn):
        best = drawn.index(max(drawn))
        mend = partial(mends.set_to, shots=picks[best], selection=ways[best])
        details = {"count": count, "own": round(100 * own), "drawn": round(100 * sum(drawn) / len(drawn))}
        yield Advice("narrow", "advice", details, (), mend)


def off_task(looked: Looked) -> Iterator[Advice]:
    """Shots that are like nothing in the train data."""
    if looked.per_input:
        return
    mine = {same(text) for text in looked.texts}
    train = [one for one in looked.train if same(one.text()) not in mine]
    if len(train) < 50:
        return
    import numpy as np

    from backend.fewshot.embedding import Space

    # Fitted with the shots: what they have and the data have not counts against them.
    space = Space([*(one.text() for one in train), *looked.texts])
    own, shots = space.points[: len(train)], space.points[len(train) :]
    alike = (own @ own.T).toarray()
    np.fill_diagonal(alike, 0.0)
    limit = FAR * float(np.percentile(alike.max(axis=1), 1))
    nearest = (shots @ own.T).toarray().max(axis=1)
    far = [place for place, value in enumerate(nearest.tolist()) if value < limit]
    if far and len(far) < len(looked.shots):
        details = {"count": len(far), "text": looked.texts[far[0]][:60]}
        yield Advice("off_task", "advice", details, tuple(far), looked.dropping(far))


def other_language(looked: Looked) -> Iterator[Advice]:
    """Inputs in another script than nearly all of the data."""
    known = [korean for one in looked.train if (korean := _korean(one.text())) is not None]
    if len(known) < 20 or 0.05 < sum(known) / len(known) < 0.95:
        return
    usual = sum(known) * 2 > len(known)
    other = [place for place, text in enumerate(looked.texts) if _korean(text) not in (None, usual)]
    if other:
        key = "not_korean" if usual else "korean"
        mend = looked.dropping(other) if len(other) < len(looked.shots) else None
        yield Advice(key, "advice", {"count": len(other), "text": looked.texts[other[0]][:60]}, tuple(other), mend)


def _labels(looked: Looked) -> tuple[list[str], set[str]]:
    """The task's labels, and those that the shots show."""
    if looked.task.kind != "entities":
        return looked.labels, {output for output in looked.outputs if output}
    read = (
        read_spans(text, shot.output, looked.task.labels) for text, shot in zip(looked.texts, looked.shots, strict=True)
    )
    return list(looked.task.labels), {span.label for found in read if found for span in found.spans}


def _adding(looked: Looked, missing: Sequence[str]) -> Mend | None:
    """Adds the train example of middle length that shows each missing label; None when the data have none."""
    found: list[Shot] = []
    for label in missing[: max(0, 64 - len(looked.shots))]:
        shots = sorted((one for one in _with_label(looked, label) if length_of(one) <= SHOT_CHARACTERS), key=length_of)
        if shots and not any(label in _shown(looked, one) for one in found):
            found.append(shots[len(shots) // 2])
    return partial(mends.add, shots=tuple(found)) if found else None


def _with_label(looked: Looked, label: str) -> list[Shot]:
    if looked.task.kind == "entities":
        return [one.shot() for one in looked.train if label in _shown(looked, one.shot())]
    return [one.shot() for one in looked.store.page(Filter(split="train", label=label), 0, CANDIDATES)]


def _shown(looked: Looked, shot: Shot) -> set[str]:
    if looked.task.kind != "entities":
        return {shot.output.strip()}
    read = read_spans("\n".join(shot.variables.values()), shot.output, looked.task.labels)
    return {span.label for span in read.spans} if read else set()


def _to_nearest(looked: Looked) -> Mend | None:
    if not looked.train:
        return None
    count = min(PER_QUESTION, max(4, len(looked.shots)))
    selection = Selection(method="nearest_embedding", count=count, order="nearest_last")
    return partial(mends.set_to, shots=pool_for(looked.train, selection), selection=selection)


def _coverages(mapped: Sequence[str], sets: Sequence[Sequence[Shot]]) -> list[float]:
    """For each set the mean, over the mapped texts, of the likeness to the nearest one of the set; 0..1.

    A mapped text does not count as near to itself.
    """
    import numpy as np

    from backend.fewshot.embedding import Space

    texts = [["\n".join(shot.variables.values()) for shot in shots] for shots in sets]
    # Fitted with the shots at hand: what the data do not have makes a shot less like them.
    space = Space([*mapped, *texts[0]])
    own = space.points[: len(mapped)]
    names = np.array([same(text) for text in mapped])
    found = []
    for some in texts:
        alike: NDArray[np.float32] = (own @ space.place(some).T).toarray()
        alike[names[:, None] == np.array([same(text) for text in some])[None, :]] = 0.0
        found.append(float(alike.max(axis=1).mean()))
    return found


def _last_run(outputs: Sequence[str]) -> int:
    return next((length for length, output in enumerate(reversed(outputs)) if output != outputs[-1]), len(outputs))


def _korean(text: str) -> bool | None:
    """Whether at least a quarter of the letters are Hangul; None for a text without letters."""
    letters = len(LETTER.findall(text))
    return None if not letters else len(HANGUL.findall(text)) * 4 >= letters
