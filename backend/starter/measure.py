"""What the starter model can do, in figures: labels of held-out reviews, endings of answers, tokenizer fairness.

    python -m backend.starter.measure --model assets/starter --data DATA

prints one JSON object a line; the model card takes its figures from there.
"""

import argparse
import csv
import gzip
import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from backend.starter.sources import Review, read_reviews
from backend.starter.talk import ENGLISH, KOREAN
from backend.starter.tokenizer import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SYSTEM = "영화평을 읽고 '긍정' 또는 '부정' 한 단어로만 답하십시오."
SYSTEM_EN = "Read the film review and answer with one word only: positive or negative."


def wilson(hits: int, total: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share (Wilson 1927), which stays within 0 and 1 also for few trials."""
    if total == 0:
        return 0.0, 1.0
    share, square = hits / total, z * z
    middle = share + square / (2 * total)
    spread = z * math.sqrt(share * (1 - share) / total + square / (4 * total * total))
    return (middle - spread) / (1 + square / total), (middle + spread) / (1 + square / total)


def answer(
    model: Any, tokenizer: "PreTrainedTokenizerFast", chats: Sequence[list[dict[str, str]]], longest: int
) -> list[tuple[str, bool]]:
    """Greedy answers of one padded batch, and whether each ended by itself within `longest` tokens."""
    import torch

    prompts = [tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True) for chat in chats]
    batch = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False).to(model.device)
    batch.pop("token_type_ids", None)
    with torch.no_grad():
        ids = model.generate(**batch, max_new_tokens=longest, do_sample=False, pad_token_id=tokenizer.pad_token_id)
    new = ids[:, batch["input_ids"].shape[1] :]
    texts = tokenizer.batch_decode(new, skip_special_tokens=True)
    ended = (new == tokenizer.eos_token_id).any(dim=1).tolist()
    return [(text.strip(), end) for text, end in zip(texts, ended, strict=True)]


def review_chat(review: Review, english: bool = False) -> list[dict[str, str]]:
    """The prompt that labelling is measured with, the same as the sample project's."""
    system, form = (SYSTEM_EN, "Review: {}\nSentiment:") if english else (SYSTEM, "평: {}\n감성:")
    return [{"role": "system", "content": system}, {"role": "user", "content": form.format(review.text)}]


def label_hits(
    model: Any, tokenizer: "PreTrainedTokenizerFast", reviews: Sequence[Review], english: bool = False
) -> tuple[int, int]:
    """(rightly labelled, answered with one of the two words) by free greedy answers, not by comparing two scores."""
    words = ("negative", "positive") if english else ("부정", "긍정")
    hits = valid = 0
    ordered = sorted(reviews, key=lambda review: len(review.text))
    for start in range(0, len(ordered), 32):
        part = ordered[start : start + 32]
        answers = answer(model, tokenizer, [review_chat(review, english) for review in part], longest=6)
        for review, (text, _) in zip(part, answers, strict=True):
            hits += text == words[review.positive]
            valid += text in words
    return hits, valid


def fairness(tokenizer: "PreTrainedTokenizerFast", pairs: Sequence[tuple[str, str]]) -> float:
    """Korean tokens for each English token over (Korean, English) translations."""
    korean = sum(len(tokenizer.encode(ko, add_special_tokens=False)) for ko, _ in pairs)
    english = sum(len(tokenizer.encode(en, add_special_tokens=False)) for _, en in pairs)
    return korean / max(1, english)


def share(figure: str, hits: int, total: int, **detail: Any) -> str:
    low, high = wilson(hits, total)
    detail = {"hits": hits, "n": total, "interval_95": [round(low, 3), round(high, 3)], **detail}
    return json.dumps({"figure": figure, "value": round(hits / max(1, total), 4), "unit": "share", "detail": detail})


def main(arguments: list[str] | None = None) -> None:
    from transformers import AutoModelForCausalLM

    parser = argparse.ArgumentParser(prog="python -m backend.starter.measure", description=__doc__)
    parser.add_argument("--model", type=Path, default=Path("assets/starter"))
    parser.add_argument("--samples", type=Path, default=Path("assets/samples"))
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--limit", type=int, default=0, help="measure on this many held-out reviews only (0: all)")
    given = parser.parse_args(arguments)
    tokenizer = load_tokenizer(given.model)
    model: Any = AutoModelForCausalLM.from_pretrained(given.model, local_files_only=True, dtype="float32")
    held = read_reviews(given.data, held=True)[: given.limit or None]
    hits, valid = label_hits(model, tokenizer, held)
    print(share("review_labels_ko", hits, len(held), answered_with_a_label=valid))
    with (given.samples / "reviews_en.csv").open(encoding="utf-8", newline="") as lines:
        english = [Review("", row["input"], row["label"] == "positive") for row in csv.DictReader(lines)]
    hits, valid = label_hits(model, tokenizer, english, english=True)
    print(share("review_labels_en", hits, len(english), answered_with_a_label=valid))
    said = [line for table in (KOREAN, ENGLISH) for lines, _ in table for line in lines]
    ended = answer(model, tokenizer, [[{"role": "user", "content": line}] for line in said], longest=64)
    print(share("answers_that_end", sum(end for _, end in ended), len(said), longest_tokens=64))
    pairs = _parallel(given.data / "sharealike" / "ko_en_news_parallel")
    detail = {"pairs": len(pairs)}
    value = round(fairness(tokenizer, pairs), 3) if pairs else None
    print(json.dumps({"figure": "korean_tokens_per_english_token", "value": value, "unit": "x", "detail": detail}))


def _parallel(folder: Path) -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for path in sorted(folder.glob("*.jsonl.gz")):
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            pairs += [(row["ko"], row["en"]) for row in map(json.loads, lines)]
    return pairs


if __name__ == "__main__":
    main()
