"""What the starter model is taught, and how much of each."""

from pathlib import Path

from backend.starter.episodes import Episode, Mixture, Share, plain
from backend.starter.film_english import english_reviews
from backend.starter.labels import label_picking
from backend.starter.reading import reading
from backend.starter.recipe import Recipe
from backend.starter.reviews import review_makers
from backend.starter.sources import read_prose, read_reviews, read_small_talk
from backend.starter.talk import talk_makers


def tokenizer_texts(data: Path, corpus: Path, recipe: Recipe) -> list[str]:
    """What the tokenizer learns from: more English characters than Korean ones, since a Hangul syllable says more."""
    korean = read_prose(corpus, "ko", int(recipe.prose_characters * 0.8), recipe.seed)
    english = read_prose(corpus, "en", int(recipe.prose_characters * 1.5), recipe.seed)
    reviews = [review.text for review in read_reviews(data, held=False)]
    talk = [line for pair in read_small_talk(data) for line in pair]
    own = [text for episode in _own_episodes(recipe) for _, text in episode.messages]
    return korean + english + reviews + talk + own


def _own_episodes(recipe: Recipe) -> list[Episode]:
    """A few thousand episodes of our own making, so that the words of instructions and labels become pieces."""
    import random

    rng = random.Random(f"own:{recipe.seed}")
    english_talk = talk_makers([])[2]
    return [make(rng) for _ in range(800) for make in (label_picking, reading, english_talk)]


def build_mixture(data: Path, corpus: Path, recipe: Recipe) -> Mixture:
    """Reads all sources. Raises ValueError when neither reviews nor prose were found, naming the folders."""
    reviews = read_reviews(data, held=False)
    korean = read_prose(corpus, "ko", recipe.prose_characters, recipe.seed)
    english = read_prose(corpus, "en", recipe.prose_characters, recipe.seed)
    if not reviews or not korean or not english:
        raise ValueError(
            f"no reviews under {data} or no prose under {corpus}: the model card says what has to be there"
        )
    label_review, review_text = review_makers(reviews)
    label_english, _ = review_makers(english_reviews(recipe.english_reviews, recipe.seed))
    talk, korean_talk, english_talk = talk_makers(read_small_talk(data))
    return Mixture(
        (
            Share(label_review, 36.0, 46.0),
            Share(review_text, 8.0, 1.0),
            Share(label_english, 4.0, 4.0),
            Share(talk, 24.0, 30.0),
            Share(korean_talk, 12.0, 15.0),
            Share(english_talk, 7.0, 9.0),
            Share(label_picking, 5.0, 4.0),
            Share(reading, 6.0, 4.0),
            Share(lambda rng: plain(rng.choice(korean)[:300]), 3.0, 0.5),
            Share(lambda rng: plain(rng.choice(english)[:400]), 1.5, 0.3),
        )
    )
