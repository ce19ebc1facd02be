"""What this machine has, and what a model folder would take of it. Reads headers, never weights."""

from __future__ import annotations

import json
import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from pathlib import Path
from time import monotonic

import psutil

from backend.errors import ModelProblem

OVERHEAD = 1.15
"""What a loaded model takes beside its weights: buffers, activations of a short prompt."""
LARGEST_HEADER = 100_000_000
"""Bytes; the limit that safetensors itself sets."""


SMALL = 400_000_000
"""Numbers up to which a model is loaded in fp32 on a processor."""


QUANTIZED_BYTES = {"int8": 1.01, "nf4": 0.52}
"""Per number of a quantized matrix with its constants: int8 has one scale per row, nf4 half a byte and one byte per 64
numbers, themselves quantized (QLoRA, arXiv 2305.14314, section 3: 4.127 bits)."""


@dataclass(frozen=True)
class Gpu:
    """One accelerator; memory in bytes."""

    name: str
    memory_bytes: int
    memory_used_bytes: int


@dataclass(frozen=True)
class Machine:
    """What there is, in bytes and cores. `gpus` is empty without an NVIDIA driver."""

    cores: int
    memory_bytes: int
    memory_available_bytes: int
    gpus: tuple[Gpu, ...] = ()

    @property
    def memory_used_bytes(self) -> int:
        return self.memory_bytes - self.memory_available_bytes


def machine() -> Machine:
    """This machine now; looked at no more than once a second."""
    return _machine(int(monotonic()))


@lru_cache(maxsize=1)
def _machine(second: int) -> Machine:
    memory = psutil.virtual_memory()
    return Machine(_cores(), int(memory.total), int(memory.available), tuple(_gpus()))


def _cores() -> int:
    """Cores this process may use, which in a container are fewer than there are."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _gpus() -> Iterator[Gpu]:
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:  # no driver, no card: the ordinary case
        return
    try:
        for number in range(pynvml.nvmlDeviceGetCount()):
            handle = pynvml.nvmlDeviceGetHandleByIndex(number)
            memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
            yield Gpu(str(pynvml.nvmlDeviceGetName(handle)), int(memory.total), int(memory.used))
    except pynvml.NVMLError:  # a card that does not tell (some are only parts of one) is not shown
        return
    finally:
        pynvml.nvmlShutdown()


@dataclass(frozen=True)
class Tensors:
    """What a safetensors file says of itself: numbers held, and bytes they take as stored."""

    numbers: int
    stored_bytes: int


def read_header(file: Path) -> Tensors:
    """Check a safetensors file from its header and its length.

    Raises ModelProblem("error.model_damaged") for a file that is cut off or is none.
    """
    found, stored = _header(file)
    return Tensors(sum(prod(shape) for shape in found.values()), stored)


def _header(file: Path) -> tuple[dict[str, tuple[int, ...]], int]:
    """(shape by name, stored bytes), checked. Raises ModelProblem("error.model_damaged")."""
    size = file.stat().st_size
    with file.open("rb") as stream:
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else 0
        if not 2 <= length <= min(LARGEST_HEADER, size - 8):
            raise ModelProblem("error.model_damaged", file=file.name)
        try:
            header = json.loads(stream.read(length))
            header.pop("__metadata__", None)
            end = max((tensor["data_offsets"][1] for tensor in header.values()), default=0)
            found = {str(name): tuple(int(side) for side in tensor["shape"]) for name, tensor in header.items()}
        except (ValueError, AttributeError, KeyError, TypeError, IndexError, RecursionError) as fault:
            raise ModelProblem("error.model_damaged", file=file.name) from fault
    if 8 + length + end != size:
        raise ModelProblem("error.model_damaged", file=file.name)
    return found, end


def shapes(folder: Path) -> Iterator[tuple[str, tuple[int, ...]]]:
    """The tensors of a folder's model: (name, shape). Raises ModelProblem for damaged weights."""
    for file in folder.glob("*.safetensors"):
        yield from _header(file)[0].items()


def tensor_names(file: Path) -> frozenset[str]:
    """What a safetensors file holds. Raises ModelProblem("error.model_damaged")."""
    return frozenset(_header(file)[0])


def numbers(folder: Path) -> int:
    """How many numbers the folder's model has. Raises ModelProblem for damaged weights."""
    return sum(read_header(file).numbers for file in folder.glob("*.safetensors"))


def needed_bytes(folder: Path, bytes_per_number: int) -> int:
    """What the folder's model takes once loaded with numbers of that size. Raises ModelProblem for damaged weights."""
    return int(OVERHEAD * numbers(folder) * bytes_per_number)


def dtype_name(kind: str, numbers: int) -> str:
    """bf16 on CUDA, half on Apple's ("mps"). On a processor fp32 up to SMALL numbers, and bf16 above.

    There a small model steps faster in fp32 (47M: 93 tokens/s against 71), and a large one is held up by the memory
    that its weights take.
    """
    if kind == "cpu":
        return "float32" if numbers <= SMALL else "bfloat16"
    return "float16" if kind == "mps" else "bfloat16"


def readable(size: int) -> str:
    """Bytes as people write them, the same in both languages: "630 MB", "4.2 GB"."""
    return f"{size / 2**30:.1f} GB" if size >= 2**30 else f"{size / 2**20:.0f} MB"
