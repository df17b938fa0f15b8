"""Projects whose plans are kept as golden files, from their configuration on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cog_core import labels
from cog_core.config import parse
from cog_core.ir.lower import CA_CERT, NETRC
from cog_core.labels import SourceFacts
from cog_core.lock.locked import LocalArtifact, LockedPackages
from cog_core.planner import PlanInputs, make_plan
from cog_core.resolve import Facts, RequirementsFile, resolve

if TYPE_CHECKING:
    from cog_core.ir import BuildPlan

SCHEMA = '{"openapi":"3.0.2","info":{"title":"Cog","version":"0.1.0"}}'
BUNDLE = "sha256:" + "5" * 64
HASH = "--hash=sha256:" + "a" * 64
DIGITS = RequirementsFile("requirements.txt", "numpy==2.2.0\npillow==11.0.0  # reads the picture\n")

NASTY = {
    "com.example.dollar": "$HOME ${HOME} $$ \\$HOME $(id) `id`",
    "com.example.quotes": 'a "b" \'c\' \\"d\\"',
    "com.example.backslashes": "\\ \\\\ \\n end\\",
    "com.example.newlines": "first\nsecond\r\nLABEL third=3\n",
    "com.example.unicode": "Grüße 你好 🐍 \u00a0\u2028 #",
    "com.example.blanks": "  # no comment  ",
    "com.example.empty": "",
    "com example blank": "a name with blanks",
}
LARGE = "{" + ",".join(f'"$field{number}": "a \\\\ and # {number:>40}"' for number in range(1100)) + "}"


def _plan(config: str, requirements: RequirementsFile | None = None, **given: Any) -> BuildPlan:
    resolved = resolve(parse(config), Facts(directory="project", requirements=requirements))
    locked = given.pop("locked", LockedPackages(source="nothing to lock"))
    schema = given.pop("schema", SCHEMA)
    inputs = PlanInputs(resolved=resolved, locked=locked, schema=schema, bundle=BUNDLE, created=315_619_200, **given)
    own = labels.write(
        config=resolved.config.to_json(),
        schema=schema,
        freeze=locked.freeze,
        partial=bool(resolved.run or locked.unlocked),
        lock=locked.locked,
        builder="cog-core 1.0",
        source=SourceFacts(revision="0123abc"),
    )
    return make_plan(inputs).with_labels(own)


def _locked(*names: str, **more: Any) -> LockedPackages:
    return LockedPackages(locked=tuple(f"{name} {HASH}" for name in names), freeze=names, **more)


HELLO = _plan('build:\n  python_version: "3.12"\nrun: run.py:Runner\n')

PLANS = {
    "hello": HELLO,
    "digits": _plan(
        'build:\n  python_version: "3.13"\n  python_requirements: requirements.txt\nrun: run.py:Runner\n',
        DIGITS,
        locked=_locked("numpy==2.2.0", "pillow==11.0.0"),
    ),
    "system": _plan(
        """
build:
  python_version: "3.11.4"
  system_packages: [ffmpeg, libgl1]
  python_packages: ["git+https://example.com/model.git@v1"]
  run:
    - echo "$HOME" && curl -sSL https://example.com/it | sh
    - command: |
        set -e
        pip download --index-url "$(cat /run/secrets/index)" thing
        cat <<EOF > /etc/thing
        it's here
        EOF
      mounts:
        - {type: secret, id: index, target: /run/secrets/index}
environment: ["HF_HOME=/models/my cache", 'QUOTED=say "$x" \\ done']
concurrency: {max: 4}
predict: predict.py:Predictor
train: train.py:train
""",
        locked=LockedPackages(
            unlocked=("git+https://example.com/model.git@v1", "/opt/cog/wheels/own-1-py3-none-any.whl"),
            index=("--extra-index-url https://index.example.com/simple",),
            artifacts=(LocalArtifact(path="wheels/own[1].whl", target="/opt/cog/wheels/own-1-py3-none-any.whl"),),
        ),
        secrets=frozenset({CA_CERT, NETRC}),
    ),
    "agent": _plan(
        """
build:
  python_version: "3.12"
  run:
    - command: git clone git@example.com:team/private.git /opt/private
      mounts: [{type: ssh}]
    - command: git -C /opt/private fetch work:other
      mounts: [{type: ssh, id: work}, {type: secret, id: index, target: /run/secrets/index}]
run: run.py:Runner
"""
    ),
    "gpu": _plan(
        'build:\n  gpu: true\n  python_version: "3.12"\n  python_packages: [torch==2.5.1]\nrun: run.py:Runner\n',
        locked=_locked("torch==2.5.1"),
    ),
    "environment": _plan(
        'build:\n  python_version: "3.10"\n  run: ["echo ready"]\n',
        schema=None,
        base=("registry.example.com/python:3.10", "COG_BASE_IMAGE asks for it"),
        with_source=False,
    ),
    "weights": _plan(
        'build:\n  python_version: "3.12"\nrun: run.py:Runner\n',
        weights=("weights/a b.safetensors", "weights/model.safetensors"),
    ),
    "labels": HELLO.with_labels((*NASTY.items(), ("run.cog.openapi_schema", LARGE))),
}
