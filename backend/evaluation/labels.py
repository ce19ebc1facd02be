"""Which label does an answer give? Read by one rule with four steps, the first that fits wins; nothing is guessed.

    whole      the answer is a label, apart from case, quotes, brackets, list signs and the mark at its end
    line       its first line (or else its last) states one: "감성: 긍정", "답은 긍정입니다.", "The answer is positive."
    mention    exactly one label is mentioned anywhere, and nothing near it denies it
    nothing    two labels, a denied one ("not positive", "긍정이 아님") or none: unreadable

A label inside a longer one ("긍정" in "매우 긍정") is not mentioned, neither is one inside another word ("배송" in
"배송비", "만족" in "불만족"); Korean endings may follow it ("긍정입니다", "긍정적인"). Signs that make another label of
it belong to it: "-1" is not "1", "C#" is not "C".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final, NamedTuple

WRAPPING: Final = " \t\"'`“”‘’«»「」『』<>()[]{}*#~.,!?。！？、:：;·•-–—=→"
SIGNS: Final = "-+"
"""Before a number they are a part of it."""
TAILS: Final = "#+-"
"""After a letter or a number they may be a part of it: "C#", "C++", "A-"."""
SPACES: Final = re.compile(r"[\s_]+|(?<=\w)-(?=\w)")
NUMBERED: Final = re.compile(r"^\s*(?:[-*•·>]|\(?\d{1,3}[.)])\s+")
ENDING: Final = (
    r"(?:적|번)?(?:입니다|이에요|예요|이예요|이다|임|다|이네요|네요|이야|야|인|이며|이고|이라고|라고|이라|으로|로|에|의|"
    r"이지|이지는|이진|인지|인데|은|는|이|가|을|를|과|와|도|만|요|보다|보다는)?"
)
ENDS_WORD: Final = re.compile(rf"{ENDING}(?![^\W_])")
WORD_START: Final = re.compile(r"(?<![^\W_])\S")
STATES: Final = re.compile(
    r"(?:적|번)?\s*(?:입니다|이에요|예요|이예요|이다|임|다|이네요|네요|이야|야|요|인 것 같습니다)?"
)
LEAD: Final = re.compile(r"^[^.!?。:：=→\n]{0,40}?(?:[:：=→]|(?<=[가-힣])[은는이가]|\b(?:is|are|be|as)\b)\s*$")
DENIED_BEFORE: Final = re.compile(
    r"(?:\b(?:not|never|no|non|neither|nor|without|hardly|cannot|instead of|rather than)\b|n[’']t\b|(?:^|\s)(?:안|비))"
    r"(?:[\s\"'“‘(*-]+\w+){0,3}[\s\"'“‘(*-]*$"
)
DENIED_AFTER: Final = re.compile(
    r"^[\"'”’)*]*\s*(?:적)?(?:인|으로|로)?\s*(?:것|쪽|리뷰|글|문장|의견|평가)?\s*"
    r"(?:이|가|은|는|도|이지|이지는|이진|지|지는|진|하지|하지는|이라고|라고|이라|라)?\s*"
    r"(?:보기|볼|할|하기|말하기|말할|분류하기|분류할)?(?:는|가|이|에|에는|도)?\s*(?:수|순)?(?:는|가|도)?\s*"
    r"(?:아니|아닌|아닙|아님|아냐|않|없|어렵|힘들|못)"
)
LONGEST_LEAD: Final = 100
"""Characters before a stated label beyond which nothing before it is a lead-in: LEAD allows fewer."""
NEAR: Final = 60
"""Characters around a mention that are searched for a denial."""


class Read(NamedTuple):
    """`label` None: unreadable, and `rule` says why."""

    label: str | None
    rule: str


class Mention(NamedTuple):
    start: int
    end: int
    label: str


def tidy(text: str) -> str:
    """NFC, one case, one kind of space ("card_arrival" and "card-arrival" are two words)."""
    return SPACES.sub(" ", unicodedata.normalize("NFC", text).casefold().replace("−", "-"))


def bare(text: str) -> str:
    """Without what is put around an answer, but with the signs that belong to it."""
    start, end = len(text) - len(text.lstrip(WRAPPING)), len(text.rstrip(WRAPPING))
    if start >= end:
        return ""
    signed = start > 0 and text[start].isdigit() and text[start - 1] in SIGNS
    if signed and (start == 1 or text[start - 2] not in SIGNS):
        start -= 1
    while text[end - 1].isascii() and text[end - 1] not in " \n" and text[end : end + 1] in tuple(TAILS):
        end += 1
    return text[start:end]


class LabelReader:
    """Reads answers for one set of labels; built once per set (see `reader`). Not changed afterwards."""

    def __init__(self, labels: Sequence[str]) -> None:
        self._exact = {label.strip(): label for label in labels}
        self._known: dict[str, str | None] = {}
        names = [tidy(label).strip() for label in labels]
        self._enter(zip(names, labels, strict=True))
        # The name of one label is never the short form of another one.
        self._enter((short, label) for name, label in zip(names, labels, strict=True) if (short := bare(name)) != name)
        self._lengths: dict[str, list[int]] = {}
        for form in sorted(self._known, key=len, reverse=True):
            lengths = self._lengths.setdefault(form[0], [])
            if len(form) not in lengths:
                lengths.append(len(form))

    def _enter(self, forms: Iterable[tuple[str, str]]) -> None:
        new: dict[str, str | None] = {}
        for form, label in forms:
            if form and form not in self._known:
                # Two labels that differ only in case or signs cannot be told apart by anything but their spelling.
                new[form] = label if new.get(form, label) == label else None
        self._known |= new

    def read(self, answer: str) -> Read:
        """One answer, at about 10,000 per second and faster."""
        exact = self._exact.get(answer.strip())
        if exact is not None:
            return Read(exact, "metrics.rule.whole")
        lines = [tidy(NUMBERED.sub("", line.rstrip())).strip() for line in answer.splitlines() if line.strip(WRAPPING)]
        if not lines:
            return Read(None, "metrics.rule.empty")
        alone = [self._alone(line) for line in lines]
        if len(lines) == 1 and alone[0] is not None:
            return Read(alone[0], "metrics.rule.whole")
        if len(lines) > 1 and None not in alone and len(set(alone)) > 1:
            return Read(None, "metrics.rule.two_labels")
        return self._line(lines, alone[0]) or self._mentioned(" \n ".join(lines))

    def label(self, text: str) -> str | None:
        """The label that a text is, as the task spells it; None when it is none of them."""
        return self._exact.get(text.strip()) or self._alone(tidy(text))

    def _alone(self, line: str) -> str | None:
        return self._known.get(line.strip()) or self._known.get(bare(line))

    def _line(self, lines: Sequence[str], first: str | None) -> Read | None:
        for line in dict.fromkeys((lines[0], lines[-1])):
            label = (first if line is lines[0] else self._alone(line)) or self._stated(line)
            if label is not None:
                return Read(label, "metrics.rule.line")
        return None

    def _stated(self, line: str) -> str | None:
        """The label of a short statement: a lead-in such as "답은" or "label:", the label, an ending, nothing more."""
        said = bare(line)
        for mention in self._mentions(said, single=True):
            if mention.start > LONGEST_LEAD:
                return None  # no lead-in is so long
            lead = said[: mention.start].rstrip(" \"'“‘([*")
            tail = said[mention.end :].lstrip(" \"'”’)]*")
            if STATES.fullmatch(tail) and (not lead or (LEAD.match(lead) and not _denies(lead + " "))):
                others = {other.label for other in self._mentions(said)}
                return mention.label if others <= {mention.label} else None
        return None

    def _mentioned(self, text: str) -> Read:
        mentions = list(self._mentions(text))
        named = {mention.label for mention in mentions}
        if len(named) > 1:
            return Read(None, "metrics.rule.two_labels")
        if not named:
            return Read(None, "metrics.rule.no_label")
        if any(_denied(text, mention) for mention in mentions):
            return Read(None, "metrics.rule.denied")
        return Read(mentions[0].label, "metrics.rule.mention")

    def _mentions(self, text: str, single: bool = False) -> Iterator[Mention]:
        """Every mention from left to right, the longest label first. A label of one sign ("A") only where `single`
        allows it or where it stands in brackets: as a mere mention it would be the article."""
        after = 0
        for start in WORD_START.finditer(text):
            at = start.start()
            end = self._end(text, at, single) if at >= after else None
            if end is not None:
                after = end
                label = self._known[text[at:end]]
                if label is not None:
                    yield Mention(at, end, label)

    def _end(self, text: str, at: int, single: bool) -> int | None:
        """Where the longest label that begins here ends; lengths are tried, not labels, of which there may be 5,000."""
        for length in self._lengths.get(text[at], ()):
            end = at + length
            if end <= len(text) and text[at:end] in self._known and ENDS_WORD.match(text, end):
                bracketed = at > 0 and text[at - 1] in "([\"'" and end < len(text) and text[end] in ")]\"'"
                if (length > 1 or single or bracketed) and not _part_of_more(text, at, end):
                    return end
        return None


def _part_of_more(text: str, start: int, end: int) -> bool:
    """Whether signs around a mention make another label or number of it: the 1 of "-1" and "1.5", the C of "C#"."""
    before, after = text[max(0, start - 2) : start], text[end : end + 2]
    if text[start].isdigit() and before and (before[-1] in SIGNS or (before[-1] in ".," and before[0].isdigit())):
        return True
    if text[end - 1].isdigit() and after[:1] in (".", ",") and after[1:].isdigit():
        return True
    return text[end - 1].isascii() and text[end - 1].isalnum() and after[:1] in ("#", "+")


def _denies(before: str) -> bool:
    return DENIED_BEFORE.search(before[-NEAR:]) is not None


def _denied(text: str, mention: Mention) -> bool:
    """Whether words near a mention, in the same clause, deny it."""
    before = re.split(r"[.!?。,;\n]", text[max(0, mention.start - NEAR) : mention.start])[-1]
    after = re.split(r"[.!?。,;\n]", text[mention.end : mention.end + NEAR])[0]
    return _denies(before) or DENIED_AFTER.match(after) is not None


@lru_cache(maxsize=16)
def reader(labels: tuple[str, ...]) -> LabelReader:
    """The reader of a set of labels. Pure: equal labels, equal reader."""
    return LabelReader(labels)
