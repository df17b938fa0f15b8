"""A Kubernetes cluster of one node, a test's own: its control plane and kubelet from source, the rest from Debian."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs

from tests.engines import apt, mounts
from tests.engines.certificates import make as make_certificates
from tests.engines.engine import Engine
from tests.engines.gomodule import GoProgram
from tests.engines.machine import Broken

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.engines.machine import Machine

_PROGRAM: Final = GoProgram(
    module="k8s.io/kubernetes",
    version="v1.34.4",
    staging="v0.34.4",
    commands=("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubectl", "kubelet"),
)
"""The last minor version that takes a machine with control groups of version 1 without being asked to."""
_DEBIAN: Final = {"etcd": "etcd-server", "containerd": "containerd", "runc": "runc"}
_PLUGINS: Final = "/usr/lib/cni"
_CONTROLLERS: Final = (
    *("node-lifecycle-controller", "statefulset-controller", "persistentvolume-binder-controller"),
    *("serviceaccount-controller", "root-ca-certificate-publisher-controller", "garbage-collector-controller"),
)
_READY: Final = 90.0
_ENDING: Final = 60.0
_PAUSE: Final = 0.2
_SUPERUSER: Final = "/O=system:masters/CN=tests"
_NODE: Final = "localhost"
"""A name that leads to this machine, and stands in the certificates."""
SANDBOX: Final = "cog.test/pause:1"
"""The image that holds a pod's namespaces; whoever starts pods loads one of this name first."""
_CONTAINERD: Final = """\
version = 2
root = "{folder}/containerd/root"
state = "{folder}/containerd/state"
[grpc]
address = "{folder}/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{sandbox}"
stream_server_address = "127.0.0.1"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{plugins}"
conf_dir = "{folder}/cni"
"""


@attrs.frozen(kw_only=True)
class Cluster:
    """A cluster that runs.

    Attributes:
        machine: Where.
        folder: Its files and logs.
        programs: The folder with ``kubectl``.
    """

    machine: Machine
    folder: Path
    programs: Path

    @property
    def environ(self) -> dict[str, str]:
        """The variables with which ``kubectl`` is found, and reaches the cluster.

        Its context ``builder`` is that of an ordinary user in the group ``builders``.
        """
        path = f"{self.programs}:{self.machine.environ.get('PATH', os.defpath)}"
        return {"KUBECONFIG": str(self.folder / "kubeconfig"), "PATH": path}

    def kubectl(self, *words: str, stdin: str | None = None) -> str:
        """Run ``kubectl`` and return what it says.

        Raises:
            Broken: It failed.
        """
        return self.machine.run(("kubectl", *words), environ=self.environ, stdin=stdin)

    def has_runtime(self) -> bool:
        """Whether what runs the node's containers answers."""
        return self.machine.attempt((*self._ctr, "version")).returncode == 0

    def load(self, archive: Path) -> None:
        """Put the image of an archive onto the node."""
        self.machine.run((*self._ctr, "images", "import", str(archive)))

    def volume(self, path: Path, *, gigabytes: int) -> None:
        """Offer a folder, as root owns it, as a volume that claims may have."""
        path.mkdir()
        here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [_NODE]}
        spec = {
            "capacity": {"storage": f"{gigabytes}Gi"},
            "accessModes": ["ReadWriteOnce"],
            "local": {"path": str(path)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        }
        volume = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": path.name}, "spec": spec}
        self.kubectl("apply", "-f", "-", stdin=json.dumps(volume))

    def clear(self) -> None:
        """End all pods, so that nothing of theirs stays when the node ends."""
        self.kubectl("delete", "statefulsets,pods", "--all", "--all-namespaces", "--grace-period=1", "--timeout=40s")

    @property
    def _ctr(self) -> tuple[str, ...]:
        return ("ctr", "--address", f"{self.folder}/containerd.sock", "--namespace", "k8s.io")


class Kubernetes(Engine):
    """What a cluster needs; :meth:`serve` runs one."""

    name = "kubernetes"
    how = "run the tests as root, with a Go tool chain, etcd, containerd and the CNI plugins"

    def present(self) -> bool:
        return not self._missing()

    def why_not(self) -> str | None:
        if os.geteuid():
            return "a node is started by root only"
        missing = self._missing()
        return f"not installed: {', '.join(missing)}" if missing else None

    def install(self) -> None:
        apt.install(self.machine, *_DEBIAN.values(), "containernetworking-plugins")
        if _PROGRAM.missing(self.machine):
            _PROGRAM.compile(self.machine)

    def _missing(self) -> list[str]:
        tools = [name for name in _DEBIAN if not shutil.which(name, path=self._path)]
        plugins = [] if Path(_PLUGINS).is_dir() else [_PLUGINS]
        return [*tools, *plugins, *_PROGRAM.missing(self.machine)]

    @property
    def _path(self) -> str:
        return f"{self.machine.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"

    @contextlib.contextmanager
    def serve(self, folder: Path) -> Iterator[Cluster]:
        """Run a cluster; every server of it is reached on this machine only, and with a certificate.

        Raises:
            Broken: A part of it does not start; with the end of its log.
        """
        cluster = Cluster(machine=self.machine, folder=folder, programs=_PROGRAM.folder(self.machine))
        with contextlib.ExitStack() as running:
            node = _Node(cluster, self._path, running)
            node.start()
            running.callback(cluster.clear)
            yield cluster


class _Node:
    """The programs of a cluster."""

    def __init__(self, cluster: Cluster, path: str, running: contextlib.ExitStack) -> None:
        self._cluster = cluster
        self._folder = cluster.folder
        self._running = running
        self._environ = {**cluster.machine.environ, "PATH": f"{cluster.programs}:{path}"}
        self._pki = make_certificates(cluster.machine, self._folder / "certificates", client=_SUPERUSER)
        ports = iter(_free_ports(4))
        self._etcd, self._peer, self._api, self._kubelet = (f"{next(ports)}" for _ in range(4))

    def start(self) -> None:
        """Start them in the order in which they need each other."""
        self._write_files()
        self._start_control_plane()
        self._running.callback(_unmount, self._folder)
        self._run("containerd", "--config", f"{self._folder}/containerd.toml")
        self._wait("containerd", self._cluster.has_runtime)
        self._run(
            *("kubelet", f"--config={self._folder}/kubelet.json", f"--kubeconfig={self._folder}/kubeconfig"),
            *(f"--hostname-override={_NODE}", f"--root-dir={self._folder}/kubelet"),
        )
        self._wait("kubelet", lambda: " Ready" in self._ask("get", "nodes"))

    def _start_control_plane(self) -> None:
        etcd, peer = f"https://127.0.0.1:{self._etcd}", f"http://127.0.0.1:{self._peer}"
        server = (f"{self._pki}/server-cert.pem", f"{self._pki}/server-key.pem")
        client = (f"{self._pki}/cert.pem", f"{self._pki}/key.pem")
        authority, token = f"{self._pki}/ca.pem", f"{self._folder}/token.key"
        kubeconfig = f"--kubeconfig={self._folder}/kubeconfig"
        self._run(
            *("etcd", f"--data-dir={self._folder}/etcd", "--unsafe-no-fsync"),
            *(f"--listen-client-urls={etcd}", f"--advertise-client-urls={etcd}"),
            *(
                f"--listen-peer-urls={peer}",
                f"--initial-advertise-peer-urls={peer}",
                f"--initial-cluster=default={peer}",
            ),
            *(f"--cert-file={server[0]}", f"--key-file={server[1]}"),
            *("--client-cert-auth", f"--trusted-ca-file={authority}"),
        )
        self._run(
            *(
                "kube-apiserver",
                "--bind-address=127.0.0.1",
                "--advertise-address=127.0.0.1",
                f"--secure-port={self._api}",
            ),
            *(f"--etcd-servers={etcd}", f"--etcd-cafile={authority}"),
            *(f"--etcd-certfile={client[0]}", f"--etcd-keyfile={client[1]}"),
            *(f"--tls-cert-file={server[0]}", f"--tls-private-key-file={server[1]}"),
            *(f"--client-ca-file={authority}", "--anonymous-auth=false", "--authorization-mode=RBAC"),
            *("--kubelet-preferred-address-types=Hostname", f"--kubelet-certificate-authority={authority}"),
            *(f"--kubelet-client-certificate={client[0]}", f"--kubelet-client-key={client[1]}"),
            *("--service-account-issuer=https://localhost", "--service-cluster-ip-range=10.231.0.0/24"),
            *(f"--service-account-key-file={token}", f"--service-account-signing-key-file={token}"),
        )
        self._wait("kube-apiserver", lambda: self._ask("get", "--raw", "/readyz") == "ok")
        alone = (kubeconfig, "--leader-elect=false", "--secure-port=0")
        self._run("kube-scheduler", *alone)
        self._run(
            *("kube-controller-manager", *alone, f"--controllers={','.join(_CONTROLLERS)}"),
            *(f"--service-account-private-key-file={token}", f"--root-ca-file={authority}"),
        )

    def _write_files(self) -> None:
        text = _CONTAINERD.format(folder=self._folder, sandbox=SANDBOX, plugins=_PLUGINS)
        (self._folder / "containerd.toml").write_text(text, "utf-8")
        (self._folder / "cni").mkdir()
        self._write("cni/pods.conflist", _network(self._folder))
        self._write("kubeconfig", _kubeconfig(self._pki, self._api))
        self._write("kubelet.json", _kubelet(self._folder, self._pki, int(self._kubelet)))
        self._cluster.machine.run(("openssl", "genrsa", "-out", f"{self._folder}/token.key", "2048"))

    def _write(self, name: str, value: dict[str, Any]) -> None:
        (self._folder / name).write_text(json.dumps(value), "utf-8")

    def _run(self, program: str, *words: str) -> None:
        path = shutil.which(program, path=self._environ["PATH"]) or program
        with (self._folder / f"{program}.log").open("wb") as log:
            process = subprocess.Popen(
                (path, *words),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._folder,
                env=self._environ,
                start_new_session=True,
            )
        self._running.callback(_end, process)

    def _ask(self, *words: str) -> str:
        return self._cluster.machine.attempt(("kubectl", *words), environ=self._cluster.environ).stdout

    def _wait(self, program: str, ready: Callable[[], bool]) -> None:
        deadline = time.monotonic() + _READY
        while not ready():
            if time.monotonic() > deadline:
                log = (self._folder / f"{program}.log").read_text("utf-8", "replace")
                raise Broken(f"{program} was started and is not ready after {_READY:.0f} s", log)
            time.sleep(_PAUSE)


def _kubeconfig(pki: Path, port: str) -> dict[str, Any]:
    cluster = {"server": f"https://127.0.0.1:{port}", "certificate-authority": f"{pki}/ca.pem"}
    user = {"client-certificate": f"{pki}/cert.pem", "client-key": f"{pki}/key.pem"}
    somebody = {**user, "as": "somebody", "as-groups": ["builders"]}
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "tests", "cluster": cluster}],
        "users": [{"name": "tests", "user": user}, {"name": "somebody", "user": somebody}],
        "contexts": [
            {"name": "ours", "context": {"cluster": "tests", "user": "tests"}},
            {"name": "builder", "context": {"cluster": "tests", "user": "somebody"}},
        ],
        "current-context": "ours",
    }


def _kubelet(folder: Path, pki: Path, port: int) -> dict[str, Any]:
    """Return settings of a node that takes this machine as it is, whatever is full or swapped."""
    never = dict.fromkeys(("nodefs.available", "imagefs.available", "nodefs.inodesFree", "imagefs.inodesFree"), "0%")
    return {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "address": "127.0.0.1",
        "port": port,
        "healthzPort": 0,
        "tlsCertFile": f"{pki}/server-cert.pem",
        "tlsPrivateKeyFile": f"{pki}/server-key.pem",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": False},
            "x509": {"clientCAFile": f"{pki}/ca.pem"},
        },
        "authorization": {"mode": "AlwaysAllow"},
        "containerRuntimeEndpoint": f"unix://{folder}/containerd.sock",
        "cgroupDriver": "cgroupfs",
        "cgroupsPerQOS": False,
        "enforceNodeAllocatable": [],
        "failSwapOn": False,
        "evictionHard": never,
        "imageGCHighThresholdPercent": 100,
        "localStorageCapacityIsolation": False,
        "makeIPTablesUtilChains": False,
        "podLogsDir": f"{folder}/pods",
        "resolvConf": "",
        "volumePluginDir": f"{folder}/plugins",
    }


def _network(folder: Path) -> dict[str, Any]:
    addresses = {"type": "host-local", "subnet": "10.232.0.0/24", "dataDir": f"{folder}/addresses"}
    return {"cniVersion": "0.4.0", "name": "tests", "plugins": [{"type": "ptp", "ipMasq": False, "ipam": addresses}]}


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(_ENDING)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _unmount(folder: Path) -> None:
    """Take away what a node that ended before its pods has left mounted."""
    for place in mounts.below(folder):
        subprocess.run(["umount", place], check=False)
