import cog as c
from cog import Input
from cog import streaming as s


class Runner(c.BaseRunner):
    @s
    @c.concurrent(max=32)
    async def run(self, prompt: str, max_tokens: int = Input(default=16, ge=1)) -> c.AsyncConcatenateIterator[str]:
        for word in prompt.split()[:max_tokens]:
            yield word
