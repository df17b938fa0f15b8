"""Strategies for whole plans: everything that the types allow."""

from __future__ import annotations

import string

import pytest
from hypothesis import strategies as st

from cog_core import ir
from cog_core.errors import Origin
from cog_core.ir.lower import CA_CERT, NETRC
from cog_core.ir.plan import Decision
from cog_core.values import Platform, PythonVersion

# Names of files may hold bytes that are no UTF-8; Python shows them as low surrogates.
texts = st.text(st.characters(exclude_categories=("Cs",)) | st.sampled_from('\udc80\udcff"\\$#\n\t '), max_size=12)
words = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=8)
lines = st.text(st.characters(exclude_characters="\n\0", exclude_categories=("Cs",)), max_size=8)
absolute = lines.map(lambda text: f"/{text}")
inside = st.lists(words.filter(lambda word: word != ".."), min_size=1, max_size=3).map("/".join)
pythons = st.builds(PythonVersion, st.just(3), st.integers(8, 14), st.none() | st.integers(0, 20))
numbers = st.none() | st.integers(1, 99)
origins = st.none() | st.builds(Origin, file=texts, key=texts, line=numbers, column=numbers)
mounts = st.one_of(
    st.builds(ir.CacheMount, id=words, target=absolute, shared=st.booleans()),
    st.builds(ir.SshMount, id=words),
    st.builds(ir.SecretMount, id=words, target=absolute, required=st.booleans()),
    st.builds(ir.BindMount, context=words, source=inside, target=absolute),
)
names = st.lists(texts, max_size=3).map(tuple)
variables = st.lists(st.tuples(words, lines), max_size=3).map(tuple)
pairs = st.dictionaries(words, texts, max_size=3).map(lambda found: tuple(sorted(found.items())))
steps = st.one_of(
    st.builds(ir.Run, script=texts, mounts=st.lists(mounts, max_size=2).map(tuple), origin=origins),
    st.builds(ir.Copy, context=words, source=inside, target=absolute, independent=st.booleans(), origin=origins),
    st.builds(ir.Write, path=absolute, content=texts, mode=st.sampled_from([0o644, 0o755]), origin=origins),
    st.builds(ir.Env, variables=variables, origin=origins),
    st.builds(ir.Workdir, path=absolute, origin=origins),
    st.builds(ir.User, name=words, origin=origins),
    st.builds(ir.SystemPackages, names=names, origin=origins),
    st.builds(
        ir.PythonPackages,
        locked=names,
        unlocked=names,
        index=names,
        secrets=st.sampled_from([(), (CA_CERT,), (CA_CERT, NETRC)]),
        origin=origins,
    ),
    st.builds(ir.Runtime, bundle=words, origin=origins),
    st.builds(ir.Weights, target=absolute, paths=names, origin=origins),
)
bases = st.one_of(
    st.builds(ir.PythonBase, version=pythons, origin=origins),
    st.builds(ir.ImageBase, reference=words, python=st.none() | pythons, origin=origins),
)
plans = st.builds(
    ir.BuildPlan,
    stage=st.builds(ir.Stage, base=bases, steps=st.lists(steps, max_size=5).map(tuple)),
    config=st.builds(ir.ImageConfig, entrypoint=names, cmd=names, ports=names, labels=pairs),
    platform=st.builds(Platform, words, words, st.none() | words),
    created=st.integers(0, 2**40),
    decisions=st.lists(st.builds(Decision, what=texts, value=texts, because=texts), max_size=2).map(tuple),
)
capabilities = st.frozensets(st.sampled_from(ir.Capability))


@pytest.fixture
def small_plan() -> ir.BuildPlan:
    return ir.BuildPlan(
        stage=ir.Stage(base=ir.PythonBase(version=PythonVersion(3, 12)), steps=(ir.Runtime(bundle="b"),)),
        config=ir.ImageConfig(),
        platform=Platform(),
    )
