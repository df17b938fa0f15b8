"""Which function a reference names."""

from __future__ import annotations

import pytest

from cog_core.schema import Mode, Scalar

RUN = "def run(self, x: str) -> str: ..."
PREDICT = "def predict(self, y: str) -> str: ..."


@pytest.mark.parametrize(
    "base", ["", "(BaseRunner)", "(BasePredictor)", "(cog.BasePredictor)", "(c.BaseRunner)", "(Mixin, BaseRunner)"]
)
def test_a_class_is_called_by_its_method_run(models, base):
    source = f"import cog, cog as c\nfrom cog import *\nclass Mixin: pass\nclass P{base}:\n  '''Doc.'''\n  {RUN}"

    schema = models.read(source, name="P")

    assert (schema.method, [field.name for field in schema.inputs]) == ("run", ["x"])
    assert schema.description == "Doc."


def test_predict_is_the_deprecated_name_of_run(models):
    schema = models.read(f"class P:\n  {PREDICT}", name="P")

    assert schema.method == "predict"
    assert str(schema.warnings[0]) == "model.py:2:3 (P.predict): P.predict() is deprecated; use run() instead"


def test_a_method_of_a_base_class_is_found(models):
    source = f"class A:\n  {RUN}\nclass B(A):\n  def setup(self): ...\nclass P(B): ..."

    assert models.read(source, name="P").method == "run"


def test_the_nearest_class_decides(models):
    assert models.read(f"class A:\n  {RUN}\nclass P(A):\n  {PREDICT}", name="P").method == "predict"


@pytest.mark.parametrize(
    ("base", "method"),
    [("cog.Predictor, BasePredictor", "predict"), ("BaseRunner", "run"), ("BasePredictor", "predict")],
)
def test_of_two_methods_the_base_class_names_the_one(models, base, method):
    source = f"from cog import *\nclass P({base}):\n  {RUN}\n  {PREDICT}"

    assert models.read(source, name="P").method == method


def test_of_two_methods_the_one_with_decorators_is_meant(models):
    source = f"import cog\nclass P(cog.Model):\n  {RUN}\n  @cog.input('y', type=str)\n  {PREDICT}"

    assert models.read(source, name="P").method == "predict"


def test_two_methods_without_a_base_class_are_refused(models):
    (problem,) = models.refused(f"class P:\n  {RUN}\n  {PREDICT}", name="P")

    assert str(problem) == "model.py:1:1 (P): P must define either run() or predict(), not both"


@pytest.mark.parametrize(
    "source",
    [
        "def run(x: str) -> str: ...",
        "async def run(x: str) -> str: ...",
        "@wrapped(1)\ndef run(x: str) -> str: ...",
        "def f(x: str) -> str: ...\nrun = f",
        "if True:\n  def run(x: str) -> str: ...",
        "try:\n  import a\nexcept ImportError:\n  pass\nelse:\n  def run(x: str) -> str: ...",
    ],
)
def test_a_function_is_called_itself(models, source):
    schema = models.read(source)

    assert (schema.method, [field.name for field in schema.inputs]) == (None, ["x"])


@pytest.mark.parametrize("decorator", ["", "@staticmethod\n  ", "@torch.inference_mode()\n  "])
def test_a_static_method_has_no_object(models, decorator):
    first = "" if decorator.startswith("@static") else "self, "

    schema = models.read(f"class P:\n  {decorator}def run({first}x: str, *, z: int) -> str: ...", name="P")

    assert [field.name for field in schema.inputs] == ["x", "z"]


def test_training_reads_the_method_train(models):
    source = f"class P:\n  {RUN}\n  def train(self, z: int) -> str: ..."

    schema = models.read(source, name="P", mode=Mode.TRAIN)

    assert (schema.method, [field.name for field in schema.inputs]) == ("train", ["z"])


@pytest.mark.parametrize(
    ("source", "name", "mode", "message", "hint"),
    [
        ("class P: ...", "P", Mode.PREDICT, "P must define run() or predict()", "Write `def run"),
        (
            "class P:\n  def rnu(self): ...",
            "P",
            Mode.PREDICT,
            "P must define run() or predict()",
            "Did you mean rnu?",
        ),
        ("class P:\n  def run(self): ...", "P", Mode.TRAIN, "P.train not found", "It has run."),
        ("class Predictor: ...", "Predictr", Mode.PREDICT, "has no class or function named 'Predictr'", "Predictor?"),
        ("", "P", Mode.PREDICT, "model.py has no class or function named 'P'", "It has no class or function"),
        ("P = 3", "P", Mode.PREDICT, "'P' of model.py is neither a class nor a function", "It has no class"),
        ("from torch import P", "P", Mode.PREDICT, "is imported from 'torch', which is no file of the project", "It"),
    ],
)
def test_a_name_that_stands_for_no_model_is_refused(models, *, source, name, mode, message, hint):
    (problem,) = models.refused(source, name=name, mode=mode)

    assert message in problem.message
    assert hint in problem.hint


@pytest.mark.parametrize(
    ("reference", "message"),
    [
        ("", "invalid predict reference"),
        (
            "model.py",
            "invalid predict reference 'model.py' — expected format: file.py:ClassName or file.py:function_name",
        ),
        (":run", "invalid predict reference"),
        ("model.py:", "invalid predict reference"),
        ("/etc/passwd:run", 'predictor source path "/etc/passwd" is outside source directory'),
        ("../model.py:run", 'predictor source path "../model.py" is outside source directory'),
        ("a/../../model.py:run", "is outside source directory"),
        ("mo\0del.py:run", "is outside source directory"),
        ("modle.py:run", "failed to read predictor source modle.py: there is no such file"),
        ("sub:run", 'predictor source path "sub" is no file inside the source directory'),
        ("x" * 5000 + ".py:run", "there is no such file"),
    ],
)
def test_a_reference_that_names_no_file_of_the_project_is_refused(tmp_path, reference, message):
    from cog_core.errors import Origin, SchemaError
    from cog_core.schema import read_model

    (tmp_path / "sub").mkdir()
    (tmp_path / "model.py").write_text("def run() -> str: ...")
    origin = Origin(file="cog.yaml", key="run", line=3)

    with pytest.raises(SchemaError) as caught:
        read_model(tmp_path, reference, mode=Mode.PREDICT, origin=origin)

    (problem,) = caught.value.problems
    assert message in problem.message
    assert problem.origin == origin
    assert problem.hint


def test_an_old_model_with_decorators_is_read_from_the_top_down(models):
    source = (
        "import cog\nclass M(cog.Predictor):\n"
        "  @cog.input('a', type=str)\n  @cog.input('b', int, 3, 1, 9, help='B')\n"
        "  def predict(self, a, b): ..."
    )

    schema = models.read(source, name="M")

    a, b = schema.inputs
    assert (a.name, a.required, a.shape) == ("a", True, Scalar.STRING)
    assert (b.name, b.default.value, b.minimum, b.maximum, b.description) == ("b", 3, 1, 9, "B")
    assert schema.output is Scalar.ANYTHING


def test_an_old_model_without_declarations_takes_anything(models):
    schema = models.read("import cog\nclass M(cog.Model):\n  def run(self, a, b=1): ...", name="M")

    assert schema.open_inputs
    assert [(field.name, field.shape, field.required) for field in schema.inputs] == [
        ("a", Scalar.ANYTHING, True),
        ("b", Scalar.ANYTHING, False),
    ]


@pytest.mark.parametrize(
    ("decorators", "parameters", "message"),
    [
        ("@input(type=str)", "a", "@cog.input has no name that can be read"),
        ("@input('a')", "a", "@cog.input has no type"),
        ("@input('a', type=dict)", "a", "dict is not a valid input type"),
        ("@input('a', type=str)\n@input('a', type=str)", "a", "a is already defined as an argument"),
        ("@input('b', type=str)", "a: str", "@cog.input declares 'b', but run() has no such parameter"),
        ("@input('a', type=str)", "a=Input()", "'a' is declared by @cog.input and by Input() in the signature"),
        ("@input('a', type=str, min=1)", "a", "non-numeric type cannot have min and max values"),
        ("@input('a', type=Path, options=['x', 'y'])", "a", "file type cannot have options"),
        ("@input('a', type=str, options=['x'])", "a", "options list must have at least two items"),
        ("@input('a', type=Path, default='x')", "a", "cannot use default with Path type"),
    ],
)
def test_a_decorator_that_the_old_sdk_refused_is_refused(models, decorators, parameters, message):
    problems = models.refused(f"from cog import Input, Path, input\n{decorators}\ndef run({parameters}): ...")

    assert [problem.message for problem in problems] == [message]
    assert problems[0].origin.line
