# ruff: noqa: F401 - spellings that authors use
from .limits import LIMIT
