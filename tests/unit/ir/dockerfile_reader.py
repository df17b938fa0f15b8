"""Reads LABEL and ENV as builders do, written from Docker's documentation, "Dockerfile reference".

Sections "Format", "Escape", "Environment replacement", "LABEL": comment lines and blank lines inside an instruction
go away, a backslash before a line break joins lines, words end at blanks outside quotes, double quotes keep their
content but for backslashes before ``"``, ``$`` and a backslash, and ``$`` stands for a variable.
"""

from __future__ import annotations

LONGEST_LINE = 65_535


def pairs(text: str, keyword: str) -> dict[str, str]:
    """Return what all instructions of a kind say together; a later value of a name wins."""
    found: dict[str, str] = {}
    for instruction in instructions(text):
        word, _, rest = instruction.partition(" ")
        if word == keyword:
            found.update(_pair(one) for one in _words(rest))
    return found


def instructions(text: str) -> list[str]:
    """Return instructions on one line each, without here-documents."""
    found: list[str] = []
    current = ""
    heredoc: str | None = None
    for line in text.split("\n"):
        if heredoc is not None:
            heredoc = None if line == heredoc else heredoc
            continue
        assert len(line.encode()) < LONGEST_LINE, "builders refuse lines of this length"
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        body = line.rstrip(" \t")
        if body.endswith("\\") and not body.endswith("\\\\"):
            current += body[:-1]
            continue
        found.append((current + line).strip())
        if "<<'" in line and found[-1].startswith(("RUN", "COPY")):
            heredoc = line.partition("<<'")[2].partition("'")[0]
        current = ""
    assert not current, "the file ends inside an instruction"
    return found


def _words(text: str) -> list[str]:
    """Cut at blanks that are not quoted; the quotes stay."""
    words, current, quote, escaped = [], "", "", False
    for character in text:
        if character.isspace() and not quote and not escaped:
            words.append(current)
            current = ""
            continue
        current += character
        if escaped:
            escaped = False
        elif character == "\\" and quote != "'":
            escaped = True
        elif quote:
            quote = "" if character == quote else quote
        elif character in "\"'":
            quote = character
    assert not quote, "a quote is left open"
    return [word for word in (*words, current) if word]


def _pair(word: str) -> tuple[str, str]:
    name, equals, value = word.partition("=")
    assert equals, f"no '=' in {word[:50]!r}"
    return _unquoted(name), _unquoted(value)


def _unquoted(text: str) -> str:
    out, quote, position = "", "", 0
    while position < len(text):
        character = text[position]
        position += 1
        if character == "\\" and quote != "'" and position < len(text):
            following = text[position]
            position += 1
            out += following if not quote or following in '"$\\' else f"\\{following}"
        elif quote and character == quote:
            quote = ""
        elif not quote and character in "\"'":
            quote = character
        else:
            assert character != "$" or quote == "'", "a variable would be put in here"
            out += character
    return out
