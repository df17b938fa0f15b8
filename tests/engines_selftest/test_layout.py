"""Images on disk: what is written can be read, and every digest is that of its bytes."""

from __future__ import annotations

import gzip
import hashlib
import json
import tarfile

import pytest

from tests.engines import layout


@pytest.fixture
def layers(tmp_path):
    files = []
    for number in (1, 2):
        (tmp_path / f"file-{number}").write_text(f"{number}\n")
        files.append(tmp_path / f"layer-{number}.tar")
        with tarfile.open(files[-1], "w") as tar:
            tar.add(tmp_path / f"file-{number}", f"file-{number}")
    files[1].write_bytes(gzip.compress(files[1].read_bytes()))
    return files


CONFIG = json.dumps({"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": []}}).encode()


def test_every_blob_is_named_by_its_digest(tmp_path, layers):
    digest = layout.write_layout(tmp_path / "image", tag="x", config=CONFIG, layers=layers)

    blobs = list((tmp_path / "image/blobs/sha256").iterdir())
    assert len(blobs) == 4
    assert all(hashlib.sha256(blob.read_bytes()).hexdigest() == blob.name for blob in blobs)
    assert digest.removeprefix("sha256:") in {blob.name for blob in blobs}


def test_a_layout_survives_the_way_through_an_archive(tmp_path, layers):
    first, again = tmp_path / "first", tmp_path / "again"
    digest = layout.write_layout(first, tag="3.12-slim", config=CONFIG, layers=layers)

    layout.archive_from_layout(first, tmp_path / "image.tar", reference="python:3.12-slim")

    assert layout.layout_from_archive(tmp_path / "image.tar", again, tag="3.12-slim", scratch=tmp_path) == digest
    assert (first / "index.json").read_bytes() == (again / "index.json").read_bytes()
    with tarfile.open(tmp_path / "image.tar") as archive:
        listed = json.loads(archive.extractfile("manifest.json").read())
    assert listed[0]["RepoTags"] == ["python:3.12-slim"]


def test_a_compressed_layer_says_so(tmp_path, layers):
    digest = layout.write_layout(tmp_path / "image", tag="x", config=CONFIG, layers=layers)

    manifest = json.loads((tmp_path / "image/blobs/sha256" / digest.removeprefix("sha256:")).read_bytes())
    assert [part["mediaType"].rpartition(".")[2] for part in manifest["layers"]] == ["tar", "tar+gzip"]
