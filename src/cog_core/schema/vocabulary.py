"""The words of Python's type language, and what each stands for."""

from __future__ import annotations

import sys
from typing import Final

from cog_core.schema.modules import NEVER_SEARCHED
from cog_core.schema.shapes import Scalar

SCALARS: Final = {
    "str": Scalar.STRING,
    "int": Scalar.INTEGER,
    "float": Scalar.NUMBER,
    "bool": Scalar.BOOLEAN,
    "Path": Scalar.FILE,
    "PosixPath": Scalar.FILE,
    "PurePath": Scalar.FILE,
    "File": Scalar.FILE,
    "Secret": Scalar.SECRET,
    "Any": Scalar.OBJECT,
}
"""Words that stand for a shape by themselves."""

OUTPUT_SCALARS: Final = {
    "object": Scalar.ANYTHING,
    "PathLike": Scalar.FILE,
    "URLPath": Scalar.FILE,
    "URLFile": Scalar.FILE,
    "IO": Scalar.FILE,
    "BinaryIO": Scalar.FILE,
    "TextIO": Scalar.FILE,
    "IOBase": Scalar.FILE,
    "BytesIO": Scalar.FILE,
    "StringIO": Scalar.FILE,
    "BufferedReader": Scalar.FILE,
    "datetime": Scalar.TIME,
    "date": Scalar.TIME,
}
"""Words that stand for a shape in an output: the runtime turns such objects into it (reference, section 7.6)."""

MAPS: Final = frozenset({"dict", "Dict", "Mapping", "MutableMapping", "OrderedDict", "defaultdict", "DefaultDict"})
LISTS: Final = frozenset({"list", "List", "Sequence", "MutableSequence", "Collection"})
SETS: Final = frozenset({"set", "Set", "frozenset", "FrozenSet", "AbstractSet", "MutableSet"})
TUPLES: Final = frozenset({"tuple", "Tuple"})
STREAMS: Final = frozenset({"Iterator", "AsyncIterator", "Generator", "AsyncGenerator", "AsyncIterable"})
JOINED_STREAMS: Final = frozenset({"ConcatenateIterator", "AsyncConcatenateIterator"})
WRAPPERS: Final = frozenset({"Annotated", "Final", "Required", "NotRequired", "ReadOnly", "ClassVar"})

WORDS: Final = (
    frozenset(SCALARS)
    | {"Optional", "Union", "Literal", "LiteralString", "Iterable", "None", "NoneType", "Opaque", "BaseModel"}
    | {"Input", "FieldInfo"}
    | MAPS | LISTS | SETS | TUPLES | STREAMS | JOINED_STREAMS | WRAPPERS
)  # fmt: skip
"""Words that are understood even where the source does not show from where they come."""

BY_NAME: Final = frozenset({"Path", "File", "Secret", "BaseModel"})
"""Words that are understood whatever module they come from (reference, section 6.4)."""

LANGUAGE: Final = frozenset(
    {
        "builtins", "typing", "typing_extensions", "collections", "pathlib", "os", "io", "datetime", "types", "cog",
        "_typeshed",
    }
)  # fmt: skip
"""Packages whose words are those of this module."""

LIBRARIES: Final = (
    NEVER_SEARCHED
    | sys.stdlib_module_names
    | {
        "PIL", "accelerate", "aiohttp", "bs4", "cv2", "diffusers", "fastapi", "flask", "httpx", "imageio",
        "jax", "librosa", "matplotlib", "networkx", "numpy", "open3d", "pandas", "plotly", "polars",
        "pyarrow", "requests", "safetensors", "scipy", "shapely", "skimage", "sklearn", "soundfile", "spacy",
        "starlette", "tensorflow", "torch", "torchaudio", "torchvision", "transformers", "trimesh", "xarray",
    }
)  # fmt: skip
"""Packages whose classes, as the type of an output, are taken for any value; the runtime knows or refuses them."""
