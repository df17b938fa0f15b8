"""The machine: variables, cache, locks, programs."""

from __future__ import annotations

import threading
import time

import pytest

from tests.engines import apt
from tests.engines.cacert import ca_bundle
from tests.engines.machine import Broken, Machine


def machine_at(folder, **environ):
    return Machine.from_environ({"COG_TEST_CACHE": str(folder), "PATH": "/usr/bin:/bin", **environ}, lambda _: None)


def test_nothing_may_be_installed_unless_asked_for(tmp_path):
    assert not machine_at(tmp_path).may_install
    assert machine_at(tmp_path, COG_TEST_ENGINES="install").may_install


def test_an_unknown_wish_is_refused(tmp_path):
    with pytest.raises(ValueError, match="'instal'"):
        machine_at(tmp_path, COG_TEST_ENGINES="instal")


def test_a_failing_program_shows_the_end_of_its_output(tmp_path):
    with pytest.raises(Broken, match=r"status 3\n(.|\n)*it was me"):
        machine_at(tmp_path).run(("sh", "-c", "echo it was me >&2; exit 3"))


def test_a_missing_program_is_a_status(tmp_path):
    assert machine_at(tmp_path).attempt(("no-such-program",)).returncode == 127


def test_a_slow_program_is_ended(tmp_path):
    assert machine_at(tmp_path).attempt(("sleep", "60"), timeout=0.2).returncode == 124


def test_a_lock_lets_one_in_at_a_time(tmp_path):
    machine, order = machine_at(tmp_path), []

    def work(name):
        with machine.lock("thing"):
            order.append(name)
            time.sleep(0.05)
            order.append(name)

    threads = [threading.Thread(target=work, args=(name,)) for name in "ab"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert order in (list("aabb"), list("bbaa"))


@pytest.mark.parametrize(
    "said",
    [
        "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 812 (apt-get)\nE: Unable to ...",
        "E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?",
        "E: Unable to lock directory /var/lib/apt/lists/",
    ],
)
def test_a_lock_of_apt_is_recognised(said):
    assert apt.holder(said)


def test_another_failure_of_apt_is_no_lock():
    assert apt.holder("E: Unable to locate package nonsense") is None


def test_a_bundle_that_variables_name_is_found(tmp_path):
    bundle = tmp_path / "bundle.pem"
    bundle.touch()

    assert ca_bundle({"SSL_CERT_FILE": str(tmp_path / "gone.pem"), "PIP_CERT": str(bundle)}) == bundle
