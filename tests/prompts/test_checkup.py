"""The check-up over a labelled set of prompts: what is expected is found, nothing else is, and every fix mends."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from backend.assistants import Assistant, Decoding, Examples, Instructions, Shot
from backend.prompts import library
from backend.prompts.checkup import Finding, apply, check

ROOT = Path(__file__).resolve().parents[2]
LABELLED: list[dict[str, Any]] = json.loads(Path(__file__).with_name("prompts_labelled.json").read_text("utf-8"))
NO_CLICK = {"unknown_variable", "too_long", "overlong_system", "answer_cut"}


def assistant_of(case: dict[str, Any]) -> Assistant:
    return Assistant(
        instructions=Instructions(system=case["system"], template=case["template"]),
        examples=Examples(shots=tuple(Shot(variables={"input": a}, output=b) for a, b in case.get("shots", []))),
        decoding=Decoding(max_new_tokens=case.get("max_new_tokens", 256)),
    )


def looked_over(assistant: Assistant, case: dict[str, Any]) -> list[Finding]:
    return check(
        assistant.instructions,
        assistant.examples,
        variables_given=case.get("given", ["input"]),
        context_length=case.get("context_length"),
        prompt_tokens=case.get("prompt_tokens"),
        max_new_tokens=assistant.decoding.max_new_tokens,
        task=case.get("task"),
        language=case["language"],
    )


def faults(found: list[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.severity != "good"]


@pytest.mark.parametrize("case", LABELLED, ids=lambda case: str(case["id"]))
def test_what_is_expected_is_found_and_nothing_else(case: dict[str, Any]) -> None:
    found = faults(looked_over(assistant_of(case), case))
    assert sorted(finding.key for finding in found) == sorted(case["expected"]), found


@pytest.mark.parametrize("case", [case for case in LABELLED if case["expected"]], ids=lambda case: str(case["id"]))
def test_a_fix_mends_what_it_is_for(case: dict[str, Any]) -> None:
    before = assistant_of(case)
    for finding in faults(looked_over(before, case)):
        if finding.fix is None:
            assert finding.key in NO_CLICK
            continue
        after = apply(finding, before)
        assert after != before
        again = [one for one in faults(looked_over(after, case)) if one.key == finding.key]
        assert not again, (after.instructions, after.examples, again)


@pytest.mark.parametrize("case", LABELLED, ids=lambda case: str(case["id"]))
def test_mending_one_after_the_other_comes_to_an_end(case: dict[str, Any]) -> None:
    assistant = assistant_of(case)
    for _ in range(8):
        given = [*case.get("given", ["input"]), "context"] if "{context}" in assistant.instructions.template else None
        seen = looked_over(assistant, {**case, "given": given} if given else case)
        mendable = [finding for finding in faults(seen) if finding.fix is not None]
        if not mendable:
            return
        assistant = apply(mendable[0], assistant)
    pytest.fail(f"still something to mend: {mendable} {assistant.instructions}")


@pytest.mark.parametrize("task", library.tasks())
@pytest.mark.parametrize("language", library.LANGUAGES)
@pytest.mark.parametrize("shots", ["zero", "one", "few"])
def test_our_own_prompts_pass(task: str, language: str, shots: str) -> None:
    ready = library.get(task, language, shots)
    given = list(ready.sample)
    for named in (None, task):
        found = check(
            ready.instructions,
            ready.examples,
            variables_given=given,
            max_new_tokens=ready.decoding.max_new_tokens,
            task=named,
            language=language,
        )
        assert not faults(found)
        assert any(finding.severity == "good" for finding in found)


def test_every_finding_has_words_in_both_languages() -> None:
    words = {
        language: json.loads((ROOT / "assets" / "locale" / language / "checkup.json").read_text("utf-8"))
        for language in library.LANGUAGES
    }
    for case in LABELLED:
        for finding in looked_over(assistant_of(case), case):
            for part in (finding.title_key, finding.why_key, finding.fix_key if finding.fix else finding.why_key):
                for language in library.LANGUAGES:
                    assert words[language][part].format(**finding.details)


def test_problems_come_first_and_what_is_good_last() -> None:
    order = {"problem": 0, "advice": 1, "good": 2}
    for case in LABELLED:
        ranks = [order[finding.severity] for finding in looked_over(assistant_of(case), case)]
        assert ranks == sorted(ranks)


def test_an_empty_page_is_advised_not_scolded() -> None:
    found = faults(check(Instructions(), language="ko"))
    assert [(finding.key, finding.severity) for finding in found] == [("no_instruction", "advice")]


def test_a_very_long_system_prompt_is_said_and_repetition_can_go() -> None:
    once = "\n".join(f"{number}번 규칙을 지켜 답하십시오." for number in range(60))
    found = [one for one in check(Instructions(system=f"{once}\n{once}\n{once}")) if one.key == "overlong_system"]
    assert found and found[0].fix is not None and found[0].fix.system is not None
    assert found[0].fix.system.rstrip() == once


@pytest.mark.parametrize(
    "piece",
    ["가 ", "a{", "{{", "'", '"', "잘 ", "not ", "if the a ", "\n", "{input}", "1", "한 문장 자세히 ", "\x00", "@a."],
)
def test_large_and_strange_prompts_take_no_time(piece: str) -> None:
    for size in (19_000, 1_000_000):
        text = piece * (size // len(piece))
        start = time.thread_time()  # of the processor: what else the machine does is no matter
        check(Instructions(system=text, template=text))
        assert time.thread_time() - start < 8
