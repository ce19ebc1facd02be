"""Every choice of a training run in one frozen value, and the sizes it can be given."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Size:
    """Shape of the Llama network. Widths are multiples of 256, which every GGUF quantization asks for."""

    hidden: int
    layers: int
    heads: int
    kv_heads: int
    inner: int
    learning_rate: float


SIZES = {
    "micro": Size(hidden=64, layers=2, heads=2, kv_heads=1, inner=128, learning_rate=3e-3),
    "tiny": Size(hidden=256, layers=4, heads=4, kv_heads=2, inner=512, learning_rate=1.5e-3),
    "small": Size(hidden=256, layers=8, heads=4, kv_heads=2, inner=768, learning_rate=1.5e-3),
    "base": Size(hidden=512, layers=8, heads=8, kv_heads=4, inner=1280, learning_rate=1e-3),
}


@dataclass(frozen=True)
class Recipe:
    """`minutes` or `steps` ends the run, whichever comes first (0 = no such end); one of them has to be given."""

    size: str = "tiny"
    minutes: float = 0.0
    steps: int = 0
    rows: int = 4
    length: int = 256
    vocab: int = 8192
    context: int = 1024
    prose_characters: int = 3_000_000
    english_reviews: int = 4000
    warmup: float = 0.03
    weight_decay: float = 0.1
    clip: float = 1.0
    seed: int = 20
    device: str = "auto"
    save_minutes: float = 3.0
    export_minutes: float = 10.0

    def __post_init__(self) -> None:
        if self.size not in SIZES:
            raise ValueError(f"size has to be one of {', '.join(SIZES)}, not {self.size!r}")
        if self.minutes <= 0 and self.steps <= 0:
            raise ValueError("give minutes or steps above 0, or the training would never end")

    def progress(self, step: int, seconds: float) -> float:
        """How much of the run is done, 0 to 1."""
        by_step = step / self.steps if self.steps > 0 else 0.0
        by_time = seconds / (self.minutes * 60) if self.minutes > 0 else 0.0
        return min(1.0, max(by_step, by_time))
