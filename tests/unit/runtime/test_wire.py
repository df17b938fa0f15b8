from __future__ import annotations

import copy
import json
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_runtime.server.inputs import MANY, pack_inputs
from cog_runtime.server.outputs import to_json
from cog_runtime.wire import BadFrame, Frame, Part, Splitter, numbers_of, pack, place
from cog_runtime.worker.channel import Channel, dumps
from cog_runtime.worker.decode import Arguments
from cog_runtime.worker.encode import LONG, encode

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
plain = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)
headers = st.dictionaries(texts.filter(lambda name: name != "parts"), plain, max_size=3)
parts = st.builds(
    Part,
    st.lists(texts | st.integers(0, 9), max_size=3).map(tuple),
    st.sampled_from(["text", "file"]),
    st.binary(max_size=40),
    texts,
)
frames = st.builds(Frame, headers, st.binary(max_size=40), st.lists(parts, max_size=3).map(tuple))
some_numbers = st.integers() | st.floats(allow_nan=False, allow_infinity=False)
many_numbers = st.lists(some_numbers, min_size=1, max_size=3).map(lambda few: few * MANY)
long_texts = texts | st.integers(LONG - 1, LONG + 1).map(lambda size: "é" * size)

long_values = st.recursive(
    plain | long_texts | many_numbers,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=4,
)


@given(st.lists(frames, max_size=5), st.data())
def test_frames_survive_any_cuts_of_the_stream(sent, data):
    stream = b"".join(pack(frame, dumps) for frame in sent)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=8)))
    splitter = Splitter(json.loads)
    pieces = [stream[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)]
    assert [frame for piece in pieces for frame in splitter.feed(piece)] == sent


@given(frames)
def test_the_missing_bytes_are_never_more_than_the_frame_needs(sent):
    stream = pack(sent, dumps)
    splitter = Splitter(json.loads)
    position, found = 0, []
    while not found:
        size = splitter.missing
        assert position + size <= len(stream)
        found = splitter.feed(stream[position : position + size])
        position += size
    assert (position, found) == (len(stream), [sent])


@given(st.binary(max_size=60))
def test_garbage_is_refused_or_waits_but_never_crashes(garbage):
    try:
        found = Splitter(json.loads).feed(garbage)
    except BadFrame:
        return
    assert all(isinstance(frame.header, dict) for frame in found)


def raw(header: bytes, body: bytes = b"") -> bytes:
    return struct.pack("!II", 4 + len(header) + len(body), len(header)) + header + body


@pytest.mark.parametrize(
    "damaged",
    [
        struct.pack("!II", 2, 9),
        raw(b"[]"),
        raw(b"{x"),
        raw(b"\xff"),
        raw(b'{"parts":[["text",9,[],""]]}', b"short"),
        raw(b'{"parts":[["text",-9,[],""]]}', b"body"),
        raw(b'{"parts":[["text",2,[],""],["text",-1,[],""]]}', b"body"),
        raw(b'{"parts":[["x"]]}'),
        raw(b'{"parts":3}'),
    ],
)
def test_damaged_frames_are_refused(damaged):
    with pytest.raises(BadFrame):
        Splitter(json.loads).feed(damaged)


def test_the_first_bytes_are_those_of_the_documentation():
    assert pack(Frame({"type": "output"}, b"1"), dumps) == b"\0\0\0\x16\0\0\0\x11" + b'{"type":"output"}' + b"1"


@given(st.dictionaries(texts, long_values, max_size=4), st.booleans())
def test_inputs_reach_the_model_as_they_were_sent(inputs, numbers):
    before = copy.deepcopy(inputs)
    payload, taken = pack_inputs(inputs, frozenset(), numbers=numbers)
    assert inputs == before
    frame = received(Frame({"type": "predict", "call": 1}, payload, taken))
    arguments = Arguments(frame)
    arguments.convert({})
    assert repr(arguments.values) == repr(inputs)
    assert all(len(each) < LONG for each in strings(json.loads(payload)))
    assert numbers or {part.kind for part in taken} <= {"text"}


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([0.5] * MANY, "floats"),
        ([-0.0, 1e308, 5e-324] * MANY, "floats"),
        (list(range(-MANY, MANY)), "ints"),
        ([-(2**63), 2**63 - 1] * MANY, "ints"),
        ([2**63] * MANY, None),
        ([0, 0.5] * MANY, None),
        ([1, True] * MANY, None),
        ([1, None] * MANY, None),
        ([1, "a"] * MANY, None),
        ([1] * (MANY - 1), None),
    ],
)
def test_long_lists_of_one_kind_of_number_are_no_json(values, kind):
    inputs = {"a": [{"b": values}]}
    payload, taken = pack_inputs(inputs, frozenset(), numbers=True)
    assert [(part.kind, part.where) for part in taken] == ([] if kind is None else [(kind, ("a", 0, "b"))])
    assert repr(Arguments(received(Frame({"call": 1}, payload, taken))).values) == repr(inputs)


def test_looking_for_what_is_long_has_an_end():
    deep = inputs = {}
    for _ in range(200):
        deep["a"] = deep = {}
    deep["a"] = "x" * LONG
    assert pack_inputs(inputs, frozenset())[1] == ()
    small = {"small": [{"a": [0]} for _ in range(5000)], "last": "x" * LONG}
    payload, taken = pack_inputs(small, frozenset())
    assert [part.where for part in taken] == [("last",)]
    assert json.loads(payload) == {**small, "last": None}
    matrix = {"rows": [[0.5] * MANY for _ in range(5000)]}
    assert len(pack_inputs(matrix, frozenset(), numbers=True)[1]) == 5000


@given(st.binary(max_size=20))
def test_numbers_are_whole(data):
    part = Part((), "floats", data)
    if len(data) % 8:
        with pytest.raises(ValueError, match="multiple of"):
            numbers_of(part)
    else:
        assert len(numbers_of(part)) == len(data) // 8


@given(plain | long_texts | st.dictionaries(texts, plain | long_texts, max_size=3) | st.lists(long_texts, max_size=3))
def test_outputs_reach_the_client_as_the_model_returned_them(output):
    encoded = encode(output)
    assert json.loads(to_json(received(Frame({"type": "done"}, encoded.payload, encoded.parts)))) == output
    assert encoded.many is isinstance(output, list)


@given(st.lists(st.floats() | st.text(max_size=3), max_size=4))
def test_what_json_cannot_say_does_not_break_the_answer(output):
    encoded = encode(output)
    assert len(json.loads(encoded.payload)) == len(output)


def test_a_part_finds_its_place():
    assert place(None, (), 1) == 1
    assert place({"a": [0, {"b": None}]}, ("a", 1, "b"), 2) == {"a": [0, {"b": 2}]}
    with pytest.raises(LookupError):
        place({"a": []}, ("a", 3), 0)


def test_a_channel_sends_and_ends():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        left, right = Channel(ours), Channel(theirs)
        frame = Frame({"type": "x"}, b"y" * 100_000)
        left.send(Frame({"type": "first"}))
        left.send(frame)
        assert right.receive() == Frame({"type": "first"})
        assert right.receive() == frame
        ours.shutdown(socket.SHUT_WR)
        assert right.receive() is None


def received(frame):
    (found,) = Splitter(json.loads).feed(pack(frame, dumps))
    return found


def strings(value):
    if isinstance(value, str):
        return [value]
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else []
    return [each for item in inner for each in strings(item)]
