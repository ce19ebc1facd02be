"""Metrics: one answer against its expected output (`score_example`), many together (`aggregate`).

labels.py      classification: confusion, precision, recall and F1 per label
spans.py       entities: counts of spans, as seqeval counts them
overlap.py     question answering: exact match, token and character F1 (SQuAD, KorQuAD)
generation.py  chrF, BLEU (sacrebleu), ROUGE-L (rouge-score), Korean cut into morphemes by Kiwi
behaviour.py   refusal, length, latency
corpus.py      from per-example counts to one value, for any weights of the examples
"""

from backend.evaluation.metrics.behaviour import latency, refuses
from backend.evaluation.metrics.labels import Confusion, LabelScore, confusion, per_label
from backend.evaluation.metrics.scoring import RULE, aggregate, rule_key, score_example, share

__all__ = [
    "RULE",
    "Confusion",
    "LabelScore",
    "aggregate",
    "confusion",
    "latency",
    "per_label",
    "refuses",
    "rule_key",
    "score_example",
    "share",
]
