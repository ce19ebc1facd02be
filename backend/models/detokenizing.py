"""From tokens to text as it streams: no half Hangul syllable, no special token, nothing of a stop string."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

BROKEN = "�"
"""What a decoder puts for bytes that are not (yet) a character."""
PATIENCE = 16
"""Tokens after which bytes that will never be a character are let through."""

Decode = Callable[[Sequence[int]], str]


def decoder(tokenizer: Any) -> Decode:
    """Token ids to text without special tokens, by the shortest way that this tokenizer offers."""
    quick = getattr(tokenizer, "backend_tokenizer", None)
    if quick is not None:
        return lambda ids: str(quick.decode(ids, skip_special_tokens=True))
    return lambda ids: str(tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False))


class TextStream:
    """Turns one answer's tokens into text pieces that concatenate to the answer.

    `before` are the last tokens of the prompt when the answer continues a beginning: some tokenizers write a
    space before a word only when something stands before it. `push` returns text that is final, and `ended`
    becomes true when a stop string was found: the text then ends before it. `whole` is the text of the tokens since
    the last whole character, stop strings or not; empty while a character is unfinished.
    """

    def __init__(self, decode: Decode, stop: Sequence[str] = (), before: Sequence[int] = ()) -> None:
        self.decode = decode
        self.stop = [text for text in stop if text]
        self.ended = False
        self._ids = list(before)
        self._start, self._read = 0, len(before)
        self._held = ""
        self.whole = ""

    def push(self, token: int) -> str:
        self._ids.append(token)
        known = self.decode(self._ids[self._start : self._read])
        text = self.decode(self._ids[self._start :])
        self.whole = ""
        if text.endswith(BROKEN) and len(self._ids) - self._read < PATIENCE:
            return ""
        self.whole = text[len(known) :]
        # The tokens read last stay as context, so that spaces between words are written.
        self._start, self._read = self._read, len(self._ids)
        return self._let_through(self.whole)

    def flush(self) -> str:
        """What was held back when the answer is over, without the bytes of a character that never came."""
        if self.ended:
            return ""
        known = self.decode(self._ids[self._start : self._read])
        text = self._let_through(self.decode(self._ids[self._start :])[len(known) :].rstrip(BROKEN))
        held, self._held = self._held, ""
        return text if self.ended else text + held

    def _let_through(self, text: str) -> str:
        if not self.stop:
            return text
        text = self._held + text
        found = [place for place in (text.find(stop) for stop in self.stop) if place >= 0]
        if found:
            self.ended, self._held = True, ""
            return text[: min(found)]
        keep = max(_overlap(text, stop) for stop in self.stop)
        self._held = text[len(text) - keep :]
        return text[: len(text) - keep]


def _overlap(text: str, stop: str) -> int:
    """How many characters at the end of `text` may be the beginning of `stop`."""
    for length in range(min(len(text), len(stop) - 1), 0, -1):
        if text.endswith(stop[:length]):
            return length
    return 0


def token_text(tokenizer: Any, decode: Decode, token: int) -> str:
    """One token as a person can read it: its text, the name of a special token, or its bytes when half a character."""
    name = str(tokenizer.convert_ids_to_tokens(token))
    text = decode([token])
    if BROKEN in text:
        return _bytes(name) or name
    if text:
        # Decoders drop the space before a lone word; its mark in the token's name says that it is there.
        return " " + text if name.startswith("▁") and not text.startswith(" ") else text
    return " " if name == "▁" else name


def _bytes(name: str) -> str:
    """A byte-level token's name as its bytes, e.g. "<EC 97>"; empty when it is none."""
    table = _byte_alphabet()
    if not all(letter in table for letter in name):
        return ""
    return "<" + " ".join(f"{table[letter]:02X}" for letter in name) + ">"


def _byte_alphabet() -> dict[str, int]:
    """The letters that byte-level BPE writes for bytes (GPT-2's `bytes_to_unicode`), turned round."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + place): byte for place, byte in enumerate(rest)}


def pieces_of(tokenizer: Any, text: str) -> list[str] | None:
    """The text cut where tokens begin (pieces concatenate to the text); None for a tokenizer that does not tell."""
    if not getattr(tokenizer, "is_fast", False):
        return None
    spans = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)["offset_mapping"]
    pieces, read = [], 0
    for place, (_, end) in enumerate(spans):
        end = len(text) if place == len(spans) - 1 else max(end, read)
        pieces.append(text[read:end])
        read = end
    return pieces
