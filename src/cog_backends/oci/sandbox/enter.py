"""The program that enters a sandbox: ``enter.py REQUEST_FD STATUS_FD``, with a request in JSON on the first.

It makes user, mount, process and IPC namespaces, mounts the image's layers as one file tree, and starts the
command under a small init. It runs as an ordinary user: the kernel must allow user namespaces
(user_namespaces(7)) and overlay mounts inside them (Linux 5.11). Standard library only, so that it starts fast.

Before the command starts, the second descriptor gets one line: ``ok``, or what the kernel refused.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import signal
import struct
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    from types import FrameType

# sched.h, sys/mount.h and sys/prctl.h of Linux; the numbers are the same on every architecture.
CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
MS_NOSUID = 2
MS_NODEV = 4
MS_NOEXEC = 8
MS_BIND = 4096
MS_REC = 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
MOUNT_ATTR_RDONLY = 1
AT_FDCWD = -100
AT_RECURSIVE = 0x8000
SYS_MOUNT_SETATTR = 442
PR_SET_PDEATHSIG = 1
PR_SET_NO_NEW_PRIVS = 38

DEVICES = ("null", "zero", "full", "random", "urandom", "tty")
HOST = "/.cog-host"
SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)

libc = ctypes.CDLL(None, use_errno=True)


def call(what: str, result: int) -> None:
    """Raise the error that a system call left behind."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")


def unshare() -> None:
    """Enter new namespaces, as root inside and as ourselves outside.

    Root keeps every owner that it sees, so that files keep theirs; anybody else is only root and nobody inside.
    The maps of the first kind can only be written from outside, by a helper that stays there.
    """
    uid, gid = os.geteuid(), os.getegid()
    maps = {"uid_map": f"0 {uid} 1", "gid_map": f"0 {gid} 1"}
    if uid == 0:
        maps = {name: _identity(Path("/proc/self", name).read_text("ascii")) for name in maps}
    ready, go = os.pipe()
    helper = os.fork()
    if helper == 0:
        os.close(go)
        os.read(ready, 1)
        os._exit(_write_maps(os.getppid(), maps) if uid == 0 else 0)
    flags = CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS
    try:
        call("user namespace", libc.unshare(flags))
        if uid != 0:
            Path("/proc/self/setgroups").write_text("deny", "ascii")
            _write_maps(os.getpid(), maps)
    finally:
        os.close(ready)
        os.close(go)
        os.waitpid(helper, 0)


def _identity(own: str) -> str:
    """Return a map that gives everybody their own number, for all numbers of our own map."""
    return "".join(f"{first} {first} {count}\n" for first, _, count in map(str.split, own.splitlines()))


def _write_maps(pid: int, maps: dict[str, str]) -> int:
    for name, text in maps.items():
        Path(f"/proc/{pid}", name).write_text(text, "ascii")
    return 0


def mount(source: str, target: Path, kind: str = "", flags: int = 0, options: str = "") -> None:
    """Mount a file system."""
    arguments = [os.fsencode(text) or None for text in (source, str(target), kind)]
    call(f"mount {kind or 'of ' + source} on {target}", libc.mount(*arguments, flags, os.fsencode(options) or None))


def bind(source: str, target: str, *, read_only: bool = False) -> None:
    """Show a file or folder of the host at a place of the image; call it inside, with the host still at hand.

    Links on the way to the target are followed inside the image, where they cannot lead to the host.
    """
    here, there = Path(HOST + source), Path(target)
    if here.is_dir():
        there.mkdir(parents=True, exist_ok=True)
    else:
        there.parent.mkdir(parents=True, exist_ok=True)
        there.touch()
    mount(str(here), there, flags=MS_BIND | MS_REC)
    if read_only:
        protect(there)


def protect(target: Path) -> None:
    """Make a mount and all below it read-only (mount_setattr(2), Linux 5.12).

    The older remount would have to repeat every flag that the host has locked.
    """
    attributes = struct.pack("4Q", MOUNT_ATTR_RDONLY, 0, 0, 0)
    number = ctypes.c_long(SYS_MOUNT_SETATTR)
    result = libc.syscall(number, AT_FDCWD, os.fsencode(target), AT_RECURSIVE, attributes, ctypes.c_size_t(32))
    call(f"make {target} read-only", result)


def mount_image(request: dict[str, Any]) -> Path:
    """Mount the image's layers, with a folder on top that takes all changes."""
    mount("", Path("/"), flags=MS_REC | MS_PRIVATE)
    work = Path(request["work"])
    # Relative paths: the options of a mount must fit into one page.
    os.chdir(request["store"])
    # The kernel refuses a folder that is named twice; where a layer lies again further up, that one hides it.
    lower = ":".join(dict.fromkeys(request["layers"]))
    options = f"lowerdir={lower},upperdir={work / 'upper'},workdir={work / 'work'},userxattr"
    mount("overlay", work / "root", "overlay", options=options)
    return work / "root"


def enter(root: Path) -> None:
    """Make the image the root of everything that follows; the host stays at ``HOST`` until :func:`leave_host`."""
    os.chdir(root)
    Path(HOST[1:]).mkdir()
    call("pivot_root", libc.syscall(_pivot_root_number(), b".", os.fsencode(HOST[1:])))
    os.chdir("/")


def furnish(request: dict[str, Any]) -> None:
    """Mount the kernel's file systems, devices, and what of the host was asked for."""
    for name in ("proc", "dev", "sys", "tmp"):
        Path("/", name).mkdir(exist_ok=True)
    mount("proc", Path("/proc"), "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC)
    bind("/sys", "/sys", read_only=True)
    make_devices(Path("/dev"), request["devices"])
    for source, target, read_only in request["binds"]:
        bind(source, target, read_only=read_only)


def make_devices(dev: Path, devices: list[str]) -> None:
    """Fill /dev: a folder of mode 0755, because a sticky one would forbid opening nodes of unmapped owners."""
    mount("tmpfs", dev, "tmpfs", MS_NOSUID, "mode=0755")
    for name in (*DEVICES, *devices):
        if Path(f"{HOST}/dev", name).exists():
            bind(f"/dev/{name}", str(dev / name))
    for name, target in (("fd", "/proc/self/fd"), ("stdin", "fd/0"), ("stdout", "fd/1"), ("stderr", "fd/2")):
        (dev / name).symlink_to(target)
    (dev / "shm").mkdir(mode=0o1777)
    mount("tmpfs", dev / "shm", "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    (dev / "pts").mkdir()
    mount("devpts", dev / "pts", "devpts", MS_NOSUID | MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
    (dev / "ptmx").symlink_to("pts/ptmx")


def leave_host() -> None:
    """Let go of the host's files: nothing of them is reachable by a path any more."""
    call("umount", libc.umount2(os.fsencode(HOST), MNT_DETACH))
    Path(HOST).rmdir()


def _pivot_root_number() -> int:
    """Return the system call's number (arch/x86/entry/syscalls, asm-generic/unistd.h); glibc has no wrapper."""
    return 155 if os.uname().machine == "x86_64" else 41


def start(request: dict[str, Any]) -> NoReturn:
    """Become the command."""
    call("no_new_privs", libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    for number in SIGNALS:
        signal.signal(number, signal.SIG_DFL)
    argv, environment = request["argv"], request["environment"]
    try:
        os.chdir(request["workdir"])
        os.execvpe(argv[0], argv, environment)  # noqa: S606 - the command that was asked for
    except OSError as error:
        os.write(2, f"cannot start {argv[0]}: {error.strerror}\n".encode())
        os._exit(127 if isinstance(error, FileNotFoundError) else 126)


def forward_signals(child: int) -> None:
    """Pass the signals that we get on to a child."""

    def pass_on(number: int, _: FrameType | None) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, number)

    for number in SIGNALS:
        signal.signal(number, pass_on)


def wait_for(child: int) -> int:
    """Reap whoever ends until the child does, and return its exit status as a shell would say it."""
    while True:
        pid, status = os.wait()
        if pid == child:
            code = os.waitstatus_to_exitcode(status)
            return 128 - code if code < 0 else code


def tell(status: int, text: str) -> None:
    """Send the one line about how it went."""
    os.write(status, f"{text}\n".encode())
    os.close(status)


def run_init(request: dict[str, Any], status: int) -> int:
    """Be process 1: a command as process 1 would be deaf to signals it does not handle."""
    if not request["interactive"]:
        os.setsid()  # or a signal to our group would reach the command once from there and once from us
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    try:
        enter(mount_image(request))
        furnish(request)
        leave_host()
    except OSError as error:
        tell(status, str(error))
        return 125
    tell(status, "ok")
    child = os.fork()
    if child == 0:
        start(request)
    forward_signals(child)
    return wait_for(child)


def main(request_fd: int, status: int) -> int:
    """Enter the sandbox and return the command's exit status; 125: it could not be entered."""
    with os.fdopen(request_fd, "rb") as stream:
        request = json.load(stream)
    parent = os.getppid()
    libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        return 137
    try:
        unshare()
        init = os.fork()
        if init == 0:
            os._exit(run_init(request, status))
    except OSError as error:
        tell(status, str(error))
        return 125
    os.close(status)
    forward_signals(init)
    return wait_for(init)


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
