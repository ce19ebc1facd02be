"""What the starter model can do, in figures: labelling of held-out reviews, greetings, endings, tokenizer fairness."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from backend.starter.sources import Review

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

SYSTEM = "영화평을 읽고 '긍정' 또는 '부정' 한 단어로만 답하십시오."


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


def review_chat(review: Review) -> list[dict[str, str]]:
    return [{"role": "system", "content": SYSTEM}, {"role": "user", "content": f"평: {review.text}\n감성:"}]


def label_hits(
    model: Any, tokenizer: "PreTrainedTokenizerFast", reviews: Sequence[Review], batch: int = 32
) -> tuple[int, int]:
    """(rightly labelled, answered with one of the two words) by free greedy answers, not by comparing two scores."""
    hits = valid = 0
    ordered = sorted(reviews, key=lambda review: len(review.text))
    for start in range(0, len(ordered), batch):
        part = ordered[start : start + batch]
        answers = answer(model, tokenizer, [review_chat(review) for review in part], longest=6)
        for review, (text, _) in zip(part, answers, strict=True):
            hits += text == ("긍정" if review.positive else "부정")
            valid += text in ("긍정", "부정")
    return hits, valid


def fairness(tokenizer: "PreTrainedTokenizerFast", pairs: Sequence[tuple[str, str]]) -> float:
    """Korean tokens for each English token over (Korean, English) translations."""
    korean = sum(len(tokenizer.encode(ko, add_special_tokens=False)) for ko, _ in pairs)
    english = sum(len(tokenizer.encode(en, add_special_tokens=False)) for _, en in pairs)
    return korean / max(1, english)
