"""A tree of files with the names that patterns are about, and 50 lists of patterns."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

FILES = (
    "README.md",
    "README-secret.md",
    "a",
    "ab",
    "abc",
    "a.b",
    "temp",
    "tempa",
    "# comment",
    "#hash",
    "!bang",
    "a b",
    "x+y(z)",
    "[x]",
    "ünï.txt",
    "cache.pyc",
    "dir/file.go",
    "dir/file.md",
    "dir/README-secret.md",
    "dir/temp1",
    "dir/deep/temp2",
    "dir/deep/file.go",
    "dir/deep/README.md",
    "docs/keep/x.md",
    "docs/drop/x.md",
    "docs/x.md",
    "other/docs/x.md",
    "other/deep/deeper/file.go",
    "node_modules/pkg/index.js",
    "node_modules/pkg/keep.js",
    "pkg/node_modules/x/index.js",
    ".git/config",
    ".hidden",
    "back/.hidden",
)

PATTERNS = (
    "",
    "# comment\n*/temp*\n*/*/temp*\ntemp?\n",
    "*.md\n!README.md\n",
    "*.md\n!README*.md\nREADME-secret.md\n",
    "*.md\nREADME-secret.md\n!README*.md\n",
    "**/*.go\n",
    "**\n",
    "**\n!dir/file.go\n",
    "*\n!dir\n",
    "*\n!dir/deep/file.go\n",
    "*\n",
    "*/\n",
    "/dir\n",
    "dir/\n",
    "./dir/../docs\n",
    "../dir\n",
    ".\n",
    "..\n",
    "dir/deep/\n!dir/deep/file.go\n",
    "!a\na\n",
    "a\n!a\n",
    "  a  \n\t ab\t\n",
    "a?\n",
    "a?c\n",
    "[a-b]*\n",
    "[^a-z]*\n",
    "\\#hash\n",
    "#hash\n",
    " # comment\n",
    "\\!bang\n",
    "a.b\n",
    "\\[x\\]\n",
    "ü*\n",
    "docs\n!docs/keep\n",
    "docs/*\n!docs/keep\n",
    "**/docs\n",
    "node_modules\n",
    "**/node_modules\n",
    "**/deep/**\n",
    "dir/**/temp*\n",
    "**/.hidden\n",
    ".*\n",
    "*.md\n\n\n! README.md\n",
    "dir\r\nab\r\n",
    "\ufeffdir\n",
    "dir\n!dir/*.go\ndir/file.go\n",
    "a b\n",
    "/\n",
    "*/file.*\n!*/*.md\n",
    "**/x.*\n!other/**\n",
)


def make_tree(root: Path) -> None:
    for name in FILES:
        file = root / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
