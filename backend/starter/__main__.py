"""Command line of the starter model's training; see `backend.starter` and the model card."""

import argparse
import logging
import sys
from dataclasses import fields
from pathlib import Path

from backend.starter.mixture import build_mixture, tokenizer_texts
from backend.starter.recipe import SIZES, Recipe
from backend.starter.tokenizer import load_tokenizer, train_tokenizer

log = logging.getLogger("starter")


def main(arguments: list[str] | None = None) -> None:
    """Trains, or goes on with what `--work` holds, and writes `--out`."""
    given = _parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stderr)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    recipe = Recipe(**{f.name: getattr(given, f.name) for f in fields(Recipe) if hasattr(given, f.name)})
    work = given.work or given.out.parent / f".{given.out.name}-work"
    if not (work / "tokenizer.json").is_file():
        log.info("learning the tokenizer")
        texts = tokenizer_texts(given.data, given.corpus, recipe)
        train_tokenizer(texts, recipe.vocab, recipe.context).save_pretrained(work)
    mixture = build_mixture(given.data, given.corpus, recipe)

    from backend.starter.train import Training

    training = Training(recipe, load_tokenizer(work), mixture, work, given.out)
    log.info("%s on %s, from step %d", recipe, training.device, training.step)
    training.run(_report)


def _report(figures: dict[str, float]) -> None:
    step, done, loss = int(figures["step"]), 100 * figures["progress"], figures["loss"]
    if step % 25 == 0:
        speed = figures["tokens"] / max(1e-9, figures["seconds"])
        log.info("step %d  %.1f %%  loss %.3f  %.0f tokens/s", step, done, loss, speed)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m backend.starter", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="holds open/nsmc_rebuilt and open/korean_chatbot")
    parser.add_argument("--corpus", type=Path, required=True, help="folder with the prose, *.jsonl.zst")
    parser.add_argument("--out", type=Path, default=Path("assets/starter"), help="where the model is written")
    parser.add_argument("--work", type=Path, help="where the checkpoint lies (default: beside --out)")
    parser.add_argument("--size", choices=sorted(SIZES), default=argparse.SUPPRESS)
    for field in fields(Recipe):
        if field.name in ("size", "device"):
            continue
        kind = int if isinstance(field.default, int) else float
        name = f"--{field.name.replace('_', '-')}"
        parser.add_argument(name, type=kind, default=argparse.SUPPRESS, help=f"default {field.default}")
    parser.add_argument("--device", default=argparse.SUPPRESS, help="cpu, cuda or auto (default)")
    return parser


if __name__ == "__main__":
    main()
