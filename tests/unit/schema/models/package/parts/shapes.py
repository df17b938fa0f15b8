import enum

from cog import BaseModel


class Kind(str, enum.Enum):
    ROUND = "round"
    SQUARE = "square"


class Answer(BaseModel):
    size: str
    kind: Kind = Kind.ROUND
