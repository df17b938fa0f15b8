"""Models with a GPU: those whose packages bring CUDA, and those that would need it in the system."""

from __future__ import annotations

import pytest

from cog_core.errors import ResolveError

LATER = "choosing a base image with CUDA is not supported yet"


def config(*packages: str, extra: str = "") -> str:
    return f"build:\n  gpu: true\n  python_version: '3.11'\n{extra}  python_packages: {list(packages)}\n"


@pytest.mark.parametrize(
    "packages",
    [
        ("torch==2.3.1",),
        ("torch",),
        ("torch>=2,<3",),
        ("torch==1.13.1",),
        ("torch==1.12.1+cu116",),
        ("torch @ https://h/torch-1.12.1%2Bcu113-cp310-cp310-linux_x86_64.whl",),
        ("tensorflow[and-cuda]==2.16.1",),
        ("jax[cuda12]",),
        ("jax[cuda12_pip]==0.4.20",),
        ("onnxruntime-gpu[cuda,cudnn]",),
        ("onnxruntime-gpu==1.17", "torch==2.1"),
        ("cupy-cuda12x[ctk]",),
    ],
)
def test_packages_that_bring_cuda_get_the_plain_base_with_a_note(resolved, packages):
    build = resolved(config(*packages))

    assert build.gpu
    assert any("so the plain Python base is used" in note.message for note in build.notes)
    assert build.decisions[-1].value == "from the Python packages"


@pytest.mark.parametrize("packages", [(), ("numpy",), ("jax",), ("diffusers",)])
def test_packages_without_system_cuda_get_the_plain_base(resolved, packages):
    build = resolved(config(*packages))

    assert build.decisions[-1].because == "no package that is listed needs CUDA in the system"


@pytest.mark.parametrize(
    ("packages", "guilty"),
    [
        (("numpy", "torch==1.12.1"), "torch==1.12.1"),
        (("torch<1.10",), "torch<1.10"),
        (("torch==1.7.1+cu101",), "torch==1.7.1+cu101"),
        (("tensorflow==2.8.0",), "tensorflow==2.8.0"),
        (("tensorflow-gpu==2.4",), "tensorflow-gpu==2.4"),
        (("onnxruntime-gpu==1.17",), "onnxruntime-gpu==1.17"),
        (("jaxlib==0.4.7+cuda11.cudnn86",), "jaxlib==0.4.7+cuda11.cudnn86"),
        (("jax[cuda12_local]",), "jax[cuda12_local]"),
        (("cupy-cuda11x",), "cupy-cuda11x"),
        (("torch==2.1", "tensorflow==2.8.0"), "tensorflow==2.8.0"),
    ],
)
def test_packages_that_need_system_cuda_are_refused_by_name(resolved, packages, guilty):
    with pytest.raises(ResolveError) as caught:
        resolved(config(*packages))

    assert caught.value.message == f"{guilty} needs CUDA in the system; {LATER}"
    assert caught.value.hint.startswith("Write ")
    assert caught.value.origin.key == f"build.python_packages[{packages.index(guilty)}]"


def test_cuda_that_is_asked_for_without_a_package_is_refused(resolved):
    with pytest.raises(ResolveError) as caught:
        resolved(config("numpy", extra="  cuda: '11.8'\n"))

    assert caught.value.message == f"build.cuda asks for CUDA 11.8 in the system; {LATER}"
    assert caught.value.origin.line == 4


def test_cuda_beside_packages_that_bring_it_is_left_out_with_a_note(resolved):
    build = resolved(config("torch==2.1", extra="  cuda: '11.8'\n"))

    assert "torch brings CUDA, so the plain Python base is used; build.cuda 11.8 is not installed beside it" in [
        note.message for note in build.notes
    ]


def test_without_a_gpu_nothing_is_asked(resolved):
    build = resolved("build: {python_packages: ['tensorflow==2.8.0'], cuda: 11.8}")

    assert not build.gpu
