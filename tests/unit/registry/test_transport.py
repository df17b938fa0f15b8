from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cog_oci.errors import RegistryFailure
from cog_oci.proxies import is_loopback, proxy_for
from cog_oci.pull import pull
from cog_oci.reference import Reference
from cog_oci.retry import Retry
from cog_oci.transfers import Progress, in_parallel
from cog_oci.transport import Transport, TransportOptions, origin, show
from tests.unit.oci_formats import kit


def reference(host):
    return Reference.parse(f"{host}/me/model:1")


def test_a_registry_on_this_machine_may_do_without_tls(filled, anonymous_client):
    there = filled()

    assert anonymous_client.manifest(there.reference()).value.layers
    assert anonymous_client.transport.base(there.host) == f"http://{there.host}"


def test_another_host_may_not():
    transport = Transport()

    assert transport.base("registry.test:5000") == "https://registry.test:5000"
    assert transport.base("docker.io") == "https://registry-1.docker.io"
    with pytest.raises(RegistryFailure, match="not an https address"):
        transport.request("GET", "http://registry.test:5000/v2/")


def test_a_certificate_that_nobody_trusts_is_refused_with_a_hint(place, certificate, anonymous_client):
    there = place(tls=certificate)

    with pytest.raises(RegistryFailure, match="not trusted") as caught:
        anonymous_client.manifest(there.reference())
    assert "CA certificate" in caught.value.hint
    assert not caught.value.retryable


def test_a_certificate_of_ones_own_is_trusted_when_given(place, certificate):
    there = place(tls=certificate)

    with kit.client_for(ca_file=certificate["ssl_certfile"]) as client:
        client.check_login(there.host)
        assert client.transport.base(there.host).startswith("https://")


def test_a_proxy_leads_to_registries_with_tls(place, proxy, certificate):
    there = place(tls=certificate)
    proxy.to = there.host

    options = {"https_proxy": f"http://me:p%40ss@{proxy.address}"}
    with kit.client_for(ca_file=certificate["ssl_certfile"], proxies=options) as client:
        client.check_login("registry.test")

    assert proxy.heads[0].startswith("CONNECT registry.test:443 ")
    assert "Basic" in proxy.heads[0]
    assert [seen.path for seen in there.registry.seen] == ["/v2/"]


def test_a_proxy_leads_to_registries_without_tls(filled, image, proxy):
    there = filled()
    proxy.to = there.host

    options = {"http_proxy": proxy.address, "https_proxy": proxy.address}
    with kit.client_for(proxies=options, plain_http=frozenset({"registry.test:5000"})) as client:
        assert client.resolve(reference("registry.test:5000")).digest == image.descriptor.digest

    assert proxy.heads[-1].startswith("HEAD http://registry.test:5000/v2/me/model/manifests/1 ")


def test_hosts_of_this_machine_need_no_proxy(filled, proxy):
    there = filled()

    with kit.client_for(proxies={"all_proxy": proxy.address}) as client:
        client.manifest(there.reference())
    assert proxy.heads == []


def test_a_proxy_that_does_not_answer_is_named_as_the_cause(dead_port):
    through_nothing = kit.client_for(proxies={"https_proxy": f"http://me:secret@127.0.0.1:{dead_port}"})
    with through_nothing as client, pytest.raises(RegistryFailure, match=r"the proxy .* registry\.test") as caught:
        client.check_login("registry.test")
    assert "secret" not in f"{caught.value!r}"


def test_a_kind_of_proxy_that_is_not_known_is_refused():
    through_socks = kit.client_for(proxies={"https_proxy": "socks5://127.0.0.1:1"})
    with through_socks as client, pytest.raises(RegistryFailure, match="socks5"):
        client.check_login("registry.test")


def test_a_registry_that_is_not_there_may_be_asked_again(dead_port):
    waits = []

    with kit.client_for(sleep=waits.append) as client, pytest.raises(RegistryFailure, match="refused") as caught:
        client.manifest(reference(f"127.0.0.1:{dead_port}"))
    assert caught.value.retryable
    assert len(waits) == Retry().attempts - 1


def test_redirects_without_end_are_left(place, layout, image, target, anonymous_client):
    there = place()
    for blob in image.manifest.children:
        there.registry.put_blob("me/model", layout.blobs.read(blob, limit=1 << 22))
    data = layout.blobs.read(image.descriptor, limit=1 << 22)
    there.registry.put_manifest("me/model", data, image.descriptor.media_type, "1")
    there.registry.redirect_blobs = f"http://{there.host}"

    with pytest.raises(RegistryFailure, match="redirects") as caught:
        pull(anonymous_client, there.reference(), target)
    assert "signature" not in caught.value.message


def test_a_redirect_to_another_host_without_tls_is_refused(filled, target, anonymous_client):
    there = filled(redirect_blobs="http://registry.test")

    with pytest.raises(RegistryFailure, match="not an https address"):
        pull(anonymous_client, there.reference(), target)


@pytest.mark.parametrize(
    ("host", "exceptions", "direct"),
    [
        ("host.x", "", False),
        ("host.x", "host.x", True),
        ("host.x", ".host.x", True),
        ("a.host.x", "host.x", True),
        ("a.host.x", "*.host.x", True),
        ("myhost.x", "host.x", False),
        ("host.x", "a, HOST.x ,b", True),
        ("host.x", "*", True),
        ("host.x", "host.x:443", True),
        ("host.x", "host.x:80", False),
        ("10.1.2.3", "10.0.0.0/8", True),
        ("10.1.2.3", "11.0.0.0/8", False),
        ("2001:db8::1", "2001:db8::/32", True),
        ("2001:db8::1", "[2001:db8::1]:443", True),
        ("localhost", "", True),
        ("127.0.0.2", "", True),
        ("::1", "", True),
    ],
)
def test_exceptions_from_the_proxy(host, exceptions, direct):
    found = proxy_for("https", host, 443, {"https_proxy": "proxy:1", "no_proxy": exceptions})

    assert found == (None if direct else "http://proxy:1")


def test_the_scheme_chooses_the_proxy():
    proxies = {"http_proxy": "http://a:1", "all_proxy": "https://b:2"}

    assert proxy_for("http", "host.x", 80, proxies) == "http://a:1"
    assert proxy_for("https", "host.x", 443, proxies) == "https://b:2"
    assert proxy_for("https", "host.x", 443, {}) is None


@given(st.text(max_size=30), st.text(max_size=60))
def test_any_host_and_any_exceptions_give_an_answer(host, exceptions):
    proxy_for("https", host, 443, {"https_proxy": "proxy:1", "no_proxy": exceptions})
    is_loopback(host)


@given(st.text(max_size=40))
def test_any_address_is_shown_or_refused(text):
    with contextlib.suppress(RegistryFailure):
        assert "secret" not in show(f"https://me:secret@host.x/{text.replace('secret', '')}?token=secret#secret")
    with contextlib.suppress(RegistryFailure):
        origin(text)


def test_options_and_errors_show_no_login():
    options = TransportOptions(proxies={"https_proxy": "http://me:secret@proxy:1"})

    assert "secret" not in repr(options)
    assert show("https://me:secret@host.x/v2/?sig=secret") == "https://host.x/v2/"


def test_the_wait_grows_and_is_bounded():
    waits = []
    retry = Retry(attempts=9, sleep=waits.append)

    def fail():
        raise RegistryFailure("busy", retryable=True)

    with pytest.raises(RegistryFailure):
        retry.run(fail)
    assert waits == [0.5, 1, 2, 4, 8, 16, 30, 30]


@pytest.mark.parametrize(("asked", "waited"), [(3.0, 3.0), (10**6, 30.0), (-5.0, 0.0)])
def test_the_registrys_wish_counts_within_bounds(asked, waited):
    waits = []

    Retry(sleep=waits.append).wait(1, RegistryFailure("busy", retry_after=asked))

    assert waits == [waited]


def test_the_first_failure_stops_the_other_transfers():
    def forever(stop):
        while True:
            stop.sleep(0.01)

    def fail(stop):
        raise ValueError("first")

    with pytest.raises(ValueError, match="first"):
        in_parallel([forever, fail, forever])


@given(st.lists(st.integers(), max_size=9), st.integers(1, 4))
def test_results_come_in_the_order_of_the_jobs(values, at_once):
    assert in_parallel([lambda _, v=value: v for value in values], at_once=at_once) == values


def test_progress_adds_up_and_may_begin_anew():
    told = []
    progress = Progress(lambda *now: told.append(now))

    progress.expect("a", 10)
    progress.expect("b", 5)
    progress.reached("a", 7)
    progress.reached("a", 0)
    progress.finished("b")
    progress.finished("a")

    assert told == [(0, 10), (0, 15), (7, 15), (0, 15), (5, 15), (15, 15)]
