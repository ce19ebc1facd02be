"""Real sentence-transformers models of a few hundred KB, made in a second: random weights, tokenizers of each kind.

BGE  as BGE-M3 and KURE: the point is that of the first token, no prompts      E5  mean, "query: " and "passage: "
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from backend.documents.embedding.model import EmbeddingModel

Style = Literal["bge", "e5"]
BGE: Style = "bge"
E5: Style = "e5"
WORDS = (
    "전세 계약은 두 해이다. 보증금을 돌려준다. 가스 요금은 따로 낸다. 임대인과 임차인은 서면으로 해지를 알린다.",
    "The lease ends with a written notice. The deposit is paid back. query: passage: gas is paid apart",
)


def tokenizer(pieces: Literal["words", "sentence"]) -> Any:
    """Korean and English: WordPiece as BERT's, or Unigram over "▁" as SentencePiece's."""
    from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
    letters = sorted({letter for text in WORDS for letter in text if not letter.isspace()})
    if pieces == "words":
        made = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        made.normalizer = normalizers.BertNormalizer(strip_accents=False)
        made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
        made.decoder = decoders.WordPiece()
        trainer: Any = trainers.WordPieceTrainer(vocab_size=400, special_tokens=special, initial_alphabet=letters)
    else:
        made = Tokenizer(models.Unigram())
        made.pre_tokenizer = pre_tokenizers.Metaspace()
        made.decoder = decoders.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=400, special_tokens=special, unk_token="[UNK]", initial_alphabet=letters
        )
    made.train_from_iterator(WORDS * 20, trainer)
    ends = [(name, made.token_to_id(name)) for name in ("[CLS]", "[SEP]")]
    made.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B [SEP]", special_tokens=ends
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=made,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        model_max_length=128,
    )


def _bert(folder: Path, reader: Any, layers: int, hidden: int, labels: int | None) -> None:
    import torch
    from transformers import BertConfig, BertForSequenceClassification, BertModel

    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(reader),
        hidden_size=hidden,
        num_hidden_layers=layers,
        num_attention_heads=max(2, hidden // 32),
        intermediate_size=4 * hidden,
        max_position_embeddings=512,
        initializer_range=0.2 if labels is None else 0.02,
        **({} if labels is None else {"num_labels": labels}),
    )
    model: Any = BertModel(config) if labels is None else BertForSequenceClassification(config)
    model.save_pretrained(folder)
    reader.save_pretrained(folder)


def encoder(folder: Path, style: Style, hidden: int = 32) -> EmbeddingModel:
    """A model in a folder, and how it is told to the index."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Normalize, Pooling, Transformer

    plain = folder.with_name(folder.name + "-plain")
    _bert(plain, tokenizer("words" if style == "bge" else "sentence"), 1, hidden, None)
    pooling = Pooling(hidden, pooling_mode="cls" if style == "bge" else "mean")
    prompts = {"query": "query: ", "document": "passage: "} if style == "e5" else None
    made = SentenceTransformer(
        modules=[Transformer(str(plain), max_seq_length=64), pooling, Normalize()], prompts=prompts, device="cpu"
    )
    made.save(str(folder), create_model_card=False)
    asked = {"query": "query: ", "passage": "passage: "} if style == "e5" else {}
    return EmbeddingModel(kind="local", name=str(folder), max_tokens=64, languages="multi", **asked)


def cross_encoder(folder: Path, layers: int = 1, hidden: int = 32, labels: int = 1) -> str:
    """A cross-encoder in a folder; its path."""
    _bert(folder, tokenizer("words"), layers, hidden, labels)
    return str(folder)


def files_of(folder: Path) -> dict[str, bytes]:
    """What a hub would hold of it."""
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
