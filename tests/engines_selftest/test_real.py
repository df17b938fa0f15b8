"""Each engine does its work, once: what other tests stand on."""

from __future__ import annotations

import json
import subprocess
import tarfile

import pytest

from tests.engines import layout

MODULES = "import ssl, sqlite3, ctypes, lzma, bz2, readline, uuid, zlib, sys; print(sys.version_info[:2], sys.prefix)"


def run(*argv, environ=None):
    done = subprocess.run(argv, check=False, capture_output=True, text=True, env=environ, timeout=110)
    assert done.returncode == 0, f"{argv}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@pytest.mark.engine("docker")
@pytest.mark.parametrize("version", ["3.11", "3.12"])
def test_docker_runs_a_python_base(docker_engine, python_base, version):
    base = python_base(version)

    said = run("docker", "run", "--rm", "--network=none", base.reference, "python", "-c", MODULES)

    assert said.startswith(f"({version.replace('.', ', ')}) /usr/local")


@pytest.mark.engine("podman")
def test_podman_runs_a_python_base(podman_engine, python_base):
    base = python_base("3.12")

    said = run("podman", "run", "--rm", "--network=none", base.reference, "python", "-c", MODULES)

    assert said.startswith("(3, 12) /usr/local")


@pytest.mark.engine("podman")
def test_buildah_builds(podman_engine, python_base, tmp_path):
    base = python_base("3.12")
    (tmp_path / "Containerfile").write_text(f"FROM {base.reference}\nRUN python -c 'print(6 * 7)'\n")

    said = run("buildah", "build", "--no-cache", "--iidfile", str(tmp_path / "id"), str(tmp_path))
    run("buildah", "rmi", (tmp_path / "id").read_text())

    assert "42" in said


@pytest.mark.engine("docker", "podman")
def test_both_engines_have_the_same_files(docker_engine, podman_engine, python_base):
    base = python_base("3.12")
    listing = (
        "--rm",
        "--network=none",
        base.reference,
        "sh",
        "-c",
        "cd /usr/local && find . -type f | sort | sha256sum",
    )

    assert run("docker", "run", *listing) == run("podman", "run", *listing)


def test_a_base_is_on_disk_in_both_forms(python_base):
    base = python_base("3.12")

    index = json.loads((base.layout / "index.json").read_text())
    assert index["manifests"][0]["annotations"]["org.opencontainers.image.ref.name"] == "3.12-slim"
    with tarfile.open(base.archive) as archive:
        assert "manifest.json" in archive.getnames()


@pytest.mark.engine("skopeo")
def test_skopeo_reads_both_forms(python_base):
    base = python_base("3.12")

    from_layout = json.loads(run("skopeo", "inspect", "--config", f"oci:{base.layout}:3.12-slim"))
    from_archive = json.loads(run("skopeo", "inspect", "--config", f"docker-archive:{base.archive}"))

    assert from_layout["rootfs"] == from_archive["rootfs"]
    assert any(line.startswith("PYTHON_VERSION=3.12.") for line in from_layout["config"]["Env"])


@pytest.fixture
def tiny(tmp_path):
    """Make an archive of an image with one small file."""

    def make(reference):
        (tmp_path / "file").write_text("content\n")
        with tarfile.open(tmp_path / "layer.tar", "w") as layer:
            layer.add(tmp_path / "file", "file")
        unpacked = {"type": "layers", "diff_ids": [layout.sha256(tmp_path / "layer.tar")]}
        config = {"architecture": "amd64", "os": "linux", "config": {"Env": ["TINY=yes"]}, "rootfs": unpacked}
        layout.write_layout(
            tmp_path / "tiny", tag="1", config=json.dumps(config).encode(), layers=[tmp_path / "layer.tar"]
        )
        layout.archive_from_layout(tmp_path / "tiny", tmp_path / "tiny.tar", reference=reference)
        return tmp_path / "tiny.tar"

    return make


@pytest.mark.engine("docker", "registry", "skopeo")
def test_docker_pushes_to_the_registry(docker_engine, tiny, oci_registry):
    name = f"{oci_registry.address}/some/base:1"
    run("docker", "load", "--input", str(tiny(name)))

    run("docker", "push", "--quiet", name)
    run("docker", "rmi", name)

    assert "TINY=yes" in run("skopeo", "inspect", "--tls-verify=false", "--config", f"docker://{name}")


@pytest.mark.engine("podman", "registry")
def test_podman_pushes_to_the_registry_with_a_login(podman_engine, tiny, oci_registry_with_login):
    registry = oci_registry_with_login
    run("podman", "load", "--input", str(tiny("localhost/tiny:1")))
    push = ("podman", "push", "--quiet", "--tls-verify=false", "localhost/tiny:1")
    target = f"docker://{registry.address}/some/base:1"

    refused = subprocess.run((*push, target), check=False, capture_output=True, text=True)
    run(*push, "--creds", f"{registry.user}:{registry.password}", target)
    run("podman", "rmi", "localhost/tiny:1")

    assert refused.returncode
    assert (registry.storage / "docker/registry/v2/repositories/some/base").is_dir()


@pytest.mark.engine("docker", "index")
def test_pip_in_a_container_reaches_the_index(docker_engine, python_base, ca_bundle):
    trusted = ("-v", f"{ca_bundle}:/ca.crt:ro", "-e", "PIP_CERT=/ca.crt") if ca_bundle else ()

    said = run(
        "docker",
        "run",
        "--rm",
        *trusted,
        python_base("3.12").reference,
        "pip",
        "install",
        "--no-cache-dir",
        "iniconfig",
    )

    assert "Successfully installed iniconfig" in said


@pytest.mark.engine("docker")
def test_debians_own_client_builds_with_the_embedded_buildkit(docker_cli_debian, python_base, tmp_path, monkeypatch):
    (tmp_path / "Dockerfile").write_text(
        f"FROM {python_base('3.12').reference}\nRUN --mount=type=cache,target=/c true\n"
    )
    monkeypatch.setenv("DOCKER_BUILDKIT", "1")

    built = run(str(docker_cli_debian), "build", "--quiet", str(tmp_path)).strip()
    run(str(docker_cli_debian), "rmi", built)


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.engine("docker", "buildx")
def test_buildx_is_a_plugin_of_the_client(docker_engine, docker_config_buildx, python_base, tmp_path):
    (tmp_path / "Dockerfile").write_text(f"FROM {python_base('3.12').reference}\nRUN echo built\n")

    run("docker", "buildx", "build", "--load", "--progress=plain", "--iidfile", str(tmp_path / "id"), str(tmp_path))
    run("docker", "rmi", (tmp_path / "id").read_text())

    assert "v0." in run("docker", "buildx", "version")


@pytest.mark.slow
@pytest.mark.slow
@pytest.mark.engine("buildkit")
def test_buildkit_builds_from_a_layout(buildkit_engine, python_base, tmp_path):
    base = python_base("3.12")
    (tmp_path / "Dockerfile").write_text("FROM python:3.12-slim\nRUN <<END\nset -e\npython -c 'print(6 * 7)'\nEND\n")
    digest = json.loads((base.layout / "index.json").read_text())["manifests"][0]["digest"]

    run(
        *("buildctl", "build", "--frontend", "dockerfile.v0", "--local", f"context={tmp_path}"),
        *("--local", f"dockerfile={tmp_path}", "--oci-layout", f"base={base.layout}"),
        *("--opt", f"context:python:3.12-slim=oci-layout://base@{digest}"),
        *("--output", f"type=oci,dest={tmp_path / 'out.tar'}"),
    )

    assert tarfile.is_tarfile(tmp_path / "out.tar")


@pytest.mark.engine("debian")
def test_a_debian_mirror_answers(debian_mirror):
    assert debian_mirror.startswith("http")


@pytest.mark.engine("userns")
def test_user_namespaces_work():
    run("unshare", "--user", "--map-root-user", "true")


@pytest.mark.slow
@pytest.mark.engine("chromium")
def test_the_browser_shows_a_page(chromium, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<script>document.write(6 * 7)</script>")

    said = run(str(chromium), "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom", page.as_uri())

    assert "42" in said
