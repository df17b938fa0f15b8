"""Talks, word by word, in the manner of ``text.txt``."""

import random
import re
from collections import defaultdict
from pathlib import Path

from cog import BaseRunner, ConcatenateIterator, Input, streaming

TEXT = Path(__file__).with_name("text.txt")
ORDER = 2
"""How many words decide which word may come next."""

ENDS = (".", "!", "?")


def vocabulary(text: str) -> set[str]:
    """Return the words of a text, without regard to capitals and punctuation."""
    return set(re.findall(r"\w+", text.lower()))


class Runner(BaseRunner):
    """A Markov chain: after two words comes a word that came after these two in the text."""

    def setup(self) -> None:
        """Read the text, and note which words follow which."""
        text = TEXT.read_text(encoding="utf-8")
        words = text.split()
        self.followers = defaultdict(list)
        for start in range(len(words) - ORDER):
            *pair, following = words[start : start + ORDER + 1]
            self.followers[tuple(pair)].append(following)
        self.sentences = re.split(r"(?<=[.!?])\s+", text.strip())

    @streaming
    def run(
        self,
        prompt: str = Input(description="What to talk about: a word, or a few", default="the sea"),
        words: int = Input(description="Stop at the end of a sentence, after so many", default=40, ge=1, le=500),
        seed: int | None = Input(description="The same seed gives the same answer", default=None),
    ) -> ConcatenateIterator[str]:
        """Yield the answer as it comes to mind."""
        chance = random.Random(seed)
        pair = self.opening(prompt, chance)
        yield " ".join(pair)
        count = len(pair)
        while pair in self.followers and not (count >= words and pair[-1].endswith(ENDS)):
            word = chance.choice(self.followers[pair])
            yield f" {word}"
            pair = (*pair[1:], word)
            count += 1

    def opening(self, prompt: str, chance: random.Random) -> tuple[str, ...]:
        """Return the first words of one of the sentences that have most words in common with the prompt."""
        wanted = vocabulary(prompt)
        shared = [len(wanted & vocabulary(sentence)) for sentence in self.sentences]
        closest = [text for text, count in zip(self.sentences, shared, strict=True) if count == max(shared)]
        return tuple(chance.choice(closest).split()[:ORDER])
