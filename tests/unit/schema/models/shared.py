from cog import BaseRunner, Input

PROMPT = Input(description="What to write")


class Inputs:
    width = Input(default=512, ge=64, description="In pixels")

    @staticmethod
    def steps(default: int = 20, most: int = 50):
        return Input(default=default, ge=1, le=most, description=f"From 1 to {most}")


class Base(BaseRunner):
    def run(
        self,
        prompt: str = PROMPT,
        width: int = Inputs.width,
        steps: int = Inputs.steps(),
        more_steps: int = Inputs.steps(30, most=100),
    ) -> str:
        return prompt


class Runner(Base):
    pass
