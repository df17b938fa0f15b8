from cog import BaseRunner


class Base(BaseRunner):
    def setup(self) -> None:
        pass
