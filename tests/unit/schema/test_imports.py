"""Names that come from other files of the project."""

from __future__ import annotations

import pytest

from cog_core.schema import Mode, read_model

USE = "def run(x: str = Input(choices=NAMES)) -> T: ..."
FACTS = "from cog import BaseModel\nNAMES = ['a']\nclass T(BaseModel):\n  x: int\n"


@pytest.mark.parametrize(
    ("file", "statement", "other"),
    [
        ("model.py", "from facts import NAMES, T", "facts.py"),
        ("model.py", "from facts import *", "facts.py"),
        ("model.py", "from lib.facts import NAMES, T", "lib/facts.py"),
        ("model.py", "from lib import NAMES, T", "lib/__init__.py"),
        ("model.py", "import facts\nNAMES = facts.NAMES\nT = facts.T", "facts.py"),
        ("model.py", "import lib.facts\nNAMES, T = lib.facts.NAMES, lib.facts.T", "lib/facts.py"),
        ("model.py", "import lib.facts as f\nNAMES = f.NAMES\nT = f.T", "lib/facts.py"),
        ("model.py", "from lib import facts\nNAMES = facts.NAMES\nT = facts.T", "lib/facts.py"),
        ("a/b/model.py", "from facts import NAMES, T", "facts.py"),
        ("a/b/model.py", "from facts import NAMES, T", "a/b/facts.py"),
        ("a/b/model.py", "from .facts import NAMES, T", "a/b/facts.py"),
        ("a/b/model.py", "from ..facts import NAMES, T", "a/facts.py"),
        ("a/b/model.py", "from . import NAMES, T", "a/b/__init__.py"),
        ("a/b/model.py", "from .. import facts as f\nNAMES = f.NAMES\nT = f.T", "a/facts.py"),
        ("a/b/model.py", "from a.facts import *", "a/facts.py"),
        ("model.py", "try:\n  from facts import NAMES, T\nexcept ImportError:\n  NAMES, T = [], int", "facts.py"),
        ("model.py", "if typing.TYPE_CHECKING:\n  from facts import T\nfrom facts import NAMES", "facts.py"),
        ("model.py", "with quiet():\n  from facts import NAMES, T", "facts.py"),
    ],
)
def test_a_name_is_found_where_an_import_says(models, file, statement, other):
    schema = models.read({file: f"from cog import Input\n{statement}\n{USE}", other: FACTS})

    assert schema.inputs[0].choices == ("a",)
    assert schema.output.name == "T"


def test_a_name_is_followed_through_several_files(models):
    files = {
        "model.py": "from cog import Input\nfrom one import *\n" + USE,
        "one.py": "from two import NAMES\nfrom two import Kept as T",
        "two.py": "from lib.facts import T as Kept, NAMES",
        "lib/facts.py": FACTS,
    }

    assert models.read(files).output.name == "T"


def test_a_base_class_from_another_file_is_read_there(models):
    files = {
        "model.py": "from base import Base\nclass P(Base): ...",
        "base.py": "from cog import BaseRunner\nT = int\nclass Base(BaseRunner):\n  def run(self, x: T) -> T: ...",
    }

    schema = models.read(files, name="P")

    assert schema.inputs[0].origin.file == "base.py"


def test_imports_in_a_circle_end(models):
    files = {
        "model.py": "from other import *\nfrom other import T\ndef run(x: T) -> T: ...",
        "other.py": "from model import *\nfrom model import T",
    }

    assert {problem.origin.line for problem in models.refused(files)} == {3}


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({"lib.py": "U = int"}, "cannot resolve type 'T' (imported from 'lib'): that file does not define it"),
        ({"lib.py": "def ("}, "cannot resolve type 'T' (imported from 'lib'): lib.py:1:"),
        ({"lib.py": b"\xff"}, "byte 0xff is not UTF-8"),
        ({}, "cannot resolve type 'T' (imported from 'lib') - external types cannot be statically analyzed"),
    ],
)
def test_an_import_that_leads_nowhere_is_refused_where_the_name_is_used(models, files, message):
    (problem,) = models.refused({"model.py": "from lib import T\ndef run(x: T) -> str: ...", **files})

    assert message in problem.message
    assert (problem.origin.file, problem.origin.line, problem.origin.column) == ("model.py", 2, 12)


def test_a_broken_file_that_no_signature_needs_is_not_looked_at(models):
    files = {"model.py": "import broken\nfrom broken import *\ndef run(x: str) -> str: ...", "broken.py": "def ("}

    assert models.read(files).inputs[0].name == "x"


@pytest.mark.parametrize("own", ["typing.py", "cog.py", "cog/__init__.py", "enum.py", "pathlib.py", "pydantic.py"])
def test_files_named_like_modules_of_python_and_of_cog_are_no_modules(models, own):
    source = (
        "from typing import List\nfrom pathlib import Path\nfrom cog import Input\n"
        "def run(x: List[Path] = Input()) -> str: ..."
    )

    assert models.read({"model.py": source, own: "List = Path = Input = 3"}).inputs[0].required


def test_no_file_outside_the_project_is_read(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "facts.py").write_text("T = int")
    project = tmp_path / "project"
    project.mkdir()
    (project / "facts.py").symlink_to(outside / "facts.py")
    (project / "folder").symlink_to(outside)
    source = "from {} import T\ndef run(x: T) -> str: ..."

    for module in ("facts", "folder.facts", "..outside.facts", "....etc"):
        (project / "model.py").write_text(source.format(module))
        with pytest.raises(Exception, match="cannot resolve type 'T'"):
            read_model(project, "model.py:run", mode=Mode.PREDICT)


def test_links_inside_the_project_are_followed(tmp_path):
    (tmp_path / "real.py").write_text("def run(x: str) -> str: ...")
    (tmp_path / "model.py").symlink_to("real.py")

    assert read_model(tmp_path, "model.py:run", mode=Mode.PREDICT).inputs[0].name == "x"
