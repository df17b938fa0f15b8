from cog import BaseRunner, Input


class Runner(BaseRunner):
    """Says hello."""

    def setup(self) -> None:
        self.greeting = "hello"

    def run(self, text: str = Input(description="Whom to greet")) -> str:
        return f"{self.greeting} {text}"
