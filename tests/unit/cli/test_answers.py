"""What becomes of a prediction's output: text, JSON as Go writes it, files and their names."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_cli.answers import OutputFile, check_destination, decoded, present, write
from cog_cli.render.go_json import dumps
from cog_core.errors import PredictionError, UsageError
from cog_core.results import Prediction

FILE = {"type": "string", "format": "uri"}
PIXEL = b"\x89PNG pixel"


def url(kind: str, content: bytes = PIXEL) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode()}"


def answer(output: Any, schema: dict[str, Any] | None = None, **more: Any) -> Prediction:
    document = {"components": {"schemas": {"Output": schema or {}}}}
    return Prediction(**{"status": "succeeded", "output": output, "schema": document, **more})


def test_a_string_is_printed_raw() -> None:
    assert present(answer('say "hi" <b>\n'), None).text == 'say "hi" <b>\n'


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1.0, "a": [True, None]}, '{\n  "a": [\n    true,\n    null\n  ],\n  "b": 1\n}'),
        ({}, "{}"),
        ([], "[]"),
        (["<&>"], '[\n  "\\u003c\\u0026\\u003e"\n]'),
        (["é\u2028"], '[\n  "é\\u2028"\n]'),
        (["\ud800"], '[\n  "?"\n]'),
        (3.0, "3"),
        (2.5, "2.5"),
        (-0.0, "-0"),
        (0.000001, "0.000001"),
        (1.5e-7, "1.5e-7"),
        (1e-7, "1e-7"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.25e300, "1.25e+300"),
        (12345678901234567890, "12345678901234567890"),
        (False, "false"),
    ],
)
def test_other_values_are_json_as_go_writes_it(value: Any, text: str) -> None:
    assert dumps(value) == text


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"])),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_means_the_value_that_was_written(value: Any) -> None:
    assert json.loads(dumps(value), parse_int=float) == json.loads(json.dumps(value), parse_int=float)


@pytest.mark.parametrize(
    ("kind", "output", "path"),
    [
        ("image/png", None, "output.png"),
        ("image/jpeg", None, "output.jpg"),
        ("text/plain", None, "output.txt"),
        ("image/webp", None, "output.webp"),
        ("application/octet-stream", None, "output"),
        ("image/../../png", None, "output"),
        ("image/png", "out", "out.png"),
        ("image/png", "out.jpeg", "out.jpeg"),
        ("image/png", "out.5", "out.5.png"),
        ("image/png", "out.v2", "out.v2"),
        ("image/png", "folder/", "folder/output.png"),
    ],
)
def test_a_file_gets_the_name_that_was_asked_for_and_the_extension_of_its_type(
    kind: str, output: str | None, path: str
) -> None:
    found = present(answer(url(kind), FILE), output)

    assert found.text is None
    assert found.files == (OutputFile(Path(path), PIXEL),)


@pytest.mark.parametrize(
    ("output", "paths"),
    [
        (None, ["output.0.png", "output.1.jpg"]),
        ("pic", ["pic.0.png", "pic.1.jpg"]),
        ("pic.png", ["pic.0.png", "pic.1.png"]),
    ],
)
def test_files_of_a_list_are_numbered(output: str | None, paths: list[str]) -> None:
    listed = answer([url("image/png"), url("image/jpeg")], {"type": "array", "items": FILE})

    assert [str(file.path) for file in present(listed, output).files] == paths


def test_an_existing_folder_takes_the_file(tmp_path: Path) -> None:
    assert present(answer(url("image/png"), FILE), str(tmp_path)).files[0].path == tmp_path / "output.png"
    assert present(answer("text"), str(tmp_path)).files[0] == OutputFile(tmp_path / "output.txt", b"text")


@pytest.mark.parametrize("value", ["https://example.com/x.png", "data:nothing", "data:a;base64,***", ["x"], 5])
def test_a_file_that_is_no_data_url_is_refused(value: Any) -> None:
    with pytest.raises(PredictionError, match="Failed to decode data URL"):
        decoded(value)


@pytest.mark.parametrize(
    ("text", "kind", "content"),
    [
        ("data:,a%20b", "text/plain", b"a b"),
        ("data:text/csv;charset=utf-8,a,b", "text/csv", b"a,b"),
        ("data:image/png;x=y;base64,AAE=", "image/png", b"\0\1"),
    ],
)
def test_data_urls_of_all_forms_are_read(text: str, kind: str, content: bytes) -> None:
    assert decoded(text) == (kind, content)


@given(st.text(max_size=30), st.binary(max_size=20))
def test_a_hostile_type_cannot_lead_out_of_the_folder(kind: str, content: bytes) -> None:
    text = f"data:{kind};base64,{base64.b64encode(content).decode()}"
    try:
        files = present(answer(text, FILE), None).files
    except PredictionError:
        return

    assert [(file.path.parent, file.path.stem) for file in files] == [(Path(), "output")]


def test_a_string_goes_to_a_file_when_one_is_named() -> None:
    assert present(answer("text"), "out").files == (OutputFile(Path("out"), b"text"),)
    assert present(answer({"a": 1}), "out.json").files == (OutputFile(Path("out.json"), b'{\n  "a": 1\n}'),)


def test_nothing_comes_of_no_output() -> None:
    assert present(answer(None), "out") == present(answer(None), None)
    assert present(answer(None), None).text is None


def test_the_whole_response_has_its_fields_in_order() -> None:
    text = present(answer("x", metrics={"predict_time": 2.0, "a": 1}), None, as_json=True).text

    assert text is not None
    assert list(json.loads(text)) == ["status", "output", "error", "metrics"]
    assert json.loads(text)["error"] == ""
    assert text.index('"a"') < text.index('"predict_time"')


def test_the_whole_response_without_figures_has_no_metrics() -> None:
    text = present(answer(None, status="failed", error="boom"), None, as_json=True).text

    assert text == '{\n  "status": "failed",\n  "output": null,\n  "error": "boom"\n}'


def test_the_whole_response_names_files_instead_of_holding_them() -> None:
    listed = answer([url("image/png")], {"type": "array", "items": FILE})

    shown = present(listed, None, as_json=True)
    named = present(listed, "run.json", as_json=True)

    assert json.loads(shown.text or "")["output"] == ["output.0.png"]
    assert [str(file.path) for file in named.files] == ["run.0.png", "run.json"]
    assert named.text is None


def test_a_link_of_the_file_s_name_is_replaced_and_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("mine")
    (tmp_path / "output.png").symlink_to(tmp_path / "precious")

    write(OutputFile(tmp_path / "output.png", PIXEL))

    assert (tmp_path / "precious").read_text() == "mine"
    assert (tmp_path / "output.png").read_bytes() == PIXEL
    assert sorted(path.name for path in tmp_path.iterdir()) == ["output.png", "precious"]


def test_a_file_is_as_readable_as_any_other(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")

    write(OutputFile(tmp_path / "output", PIXEL))

    assert (tmp_path / "output").stat().st_mode == (tmp_path / "other").stat().st_mode


def test_a_device_can_be_written_to() -> None:
    write(OutputFile(Path("/dev/null"), PIXEL))

    assert not Path("/dev/null").is_file()


def test_a_folder_in_the_way_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()

    with pytest.raises(PredictionError, match="conflicts with directory, provide --output"):
        write(OutputFile(tmp_path / "output", PIXEL))


def test_a_place_that_cannot_be_written_is_told_before_anything_starts(tmp_path: Path) -> None:
    check_destination(None)
    check_destination(str(tmp_path))
    check_destination(str(tmp_path / "new"))
    with pytest.raises(UsageError, match="Output directory is not writable"):
        check_destination(str(tmp_path / "no" / "where"))
