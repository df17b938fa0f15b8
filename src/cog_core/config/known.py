"""The keys there are, and what somebody probably meant who wrote another one."""

from __future__ import annotations

from typing import Final

import attrs

from cog_core.config.model import Batch, Build, Concurrency, Config, Mount, RunItem, Weight, WeightSource

SECTIONS: Final[dict[str, type[attrs.AttrsInstance]]] = {
    "": Config,
    "build": Build,
    "build.run[]": RunItem,
    "build.run[].mounts[]": Mount,
    "concurrency": Concurrency,
    "concurrency.batch": Batch,
    "weights[]": Weight,
    "weights[].source[]": WeightSource,
}
"""Every mapping of a configuration by its path, and the type of it."""

OLD: Final = frozenset(
    {
        *("python_extra_index_urls", "python_find_links", "architectures", "build_requires_gpu", "post_install"),
        *("pre_install", "workdir"),
    }
)
"""Keys of earlier generations: understood, but nobody should be told to write them."""

_OTHER_WORDS = {
    "env": "environment",
    "python": "python_version",
    "requirements": "python_requirements",
    "packages": "python_packages",
    "pip": "python_packages",
    "apt": "system_packages",
    "predictor": "run",
    "size": "max_size",
    "max_batch_size": "max_size",
}


def keys_of(section: str) -> tuple[str, ...]:
    """Return the keys that a section has today, as they are written in the file."""
    names = [name for name in attrs.fields_dict(SECTIONS[section]) if name not in OLD]
    return (*names, "run") if section == "" else tuple(names)


def advice(key: str, section: str) -> str:
    """Return what to do about an unknown key.

    Args:
        key: The key as written.
        section: Path of the mapping it stands in, with ``[]`` for any item of a list.
    """
    word = key.lower().replace("-", "_")
    word = _OTHER_WORDS.get(word, word)
    here = keys_of(section) if section in SECTIONS else ()
    if word in here:
        return f'Did you mean "{word}"?'
    for other in ("", "build", "concurrency"):
        if other != section and word in keys_of(other):
            return f'Write "{word}" {f"inside {other!r}" if other else "at the top level"}.'.replace("'", '"')
    import difflib  # noqa: PLC0415 - slow to load, and only needed for mistakes

    if close := difflib.get_close_matches(word, here, n=1, cutoff=0.7):
        return f'Did you mean "{close[0]}"?'
    return f"The keys here are: {', '.join(sorted(here))}." if here else "Remove it."
