# ruff: noqa: N803 - spellings that authors use
from cog import Input


def run(
    Output: str = Input(choices=["a", "b"]),
    Status: str = Input(choices=["c", "d"]),
    Status_choices: str = Input(choices=["e"]),
) -> str:
    return Output
