from __future__ import annotations

import copy
import json
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_runtime.server.inputs import Packed, pack_inputs
from cog_runtime.server.outputs import to_json
from cog_runtime.wire import BadFrame, Frame, Part, Splitter, pack, place
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
many_numbers = st.lists(some_numbers, min_size=1, max_size=3).map(lambda few: few * 600)
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


def arrived(packed: Packed) -> dict[str, object]:
    """Return the arguments that the worker makes of packed inputs."""
    header = {"type": "predict", "call": 1, **({"encoding": "marshal"} if packed.is_marshal else {})}
    arguments = Arguments(received(Frame(header, packed.payload, packed.parts)))
    arguments.convert({})
    return arguments.values


@given(st.dictionaries(texts, long_values, max_size=4), st.booleans())
def test_inputs_reach_the_model_as_they_were_sent(inputs, marshals):
    before = copy.deepcopy(inputs)
    packed = pack_inputs(inputs, frozenset(), marshals=marshals)
    assert inputs == before
    assert repr(arrived(packed)) == repr(inputs)
    if marshals and not packed.is_marshal:
        assert len(packed.payload) < LONG
    if not packed.is_marshal:
        flat = {name: value for name, value in json.loads(packed.payload).items() if isinstance(value, str)}
        assert all(len(each) < LONG for each in flat.values())


@pytest.mark.parametrize(
    "value",
    [
        [0.5, -0.0, 5e-324, 1e308] * LONG,
        [0, 1, -(2**31), 2**31, 2**63, 10**30] * LONG,
        [0, 0.5, True, None, "a", "\U0001f600"] * LONG,
        [{"a": [number / 3], "b": {}} for number in range(LONG)],
        {"deep": {"text": "x" * LONG}},
    ],
    ids=["floats", "integers", "all kinds", "objects", "text"],
)
def test_what_is_long_is_no_json_for_a_worker_that_knows_better(value):
    packed = pack_inputs({"a": value}, frozenset(), marshals=True)
    assert packed.is_marshal
    assert repr(arrived(packed)) == repr({"a": value})
    assert not pack_inputs({"a": value}, frozenset()).is_marshal


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
