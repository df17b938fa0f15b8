"""The smallest model: one string in, one string out."""

from cog import BaseRunner, Input


class Runner(BaseRunner):
    """Greets people."""

    def setup(self) -> None:
        """Load what every prediction needs; this runs once, when the image starts."""
        self.greeting = "Hello"

    def run(self, name: str = Input(description="Who is greeted", default="world")) -> str:
        """Answer one request."""
        return f"{self.greeting}, {name}!"
