"""The worker from its start to its end."""

from __future__ import annotations

import os
import signal
import socket
import sys
from importlib.machinery import PathFinder
from typing import TYPE_CHECKING, Any, Callable, NamedTuple

from cog._version import __version__ as sdk_version
from cog_runtime.waiting import ShortWaits
from cog_runtime.wire import MARSHAL, PROTOCOL, Frame
from cog_runtime.worker import stdio, temporary
from cog_runtime.worker.calls import Call, describe, print_traceback
from cog_runtime.worker.cancelling import Canceller
from cog_runtime.worker.channel import Channel
from cog_runtime.worker.control import Control
from cog_runtime.worker.crash import crash
from cog_runtime.worker.description import description_of
from cog_runtime.worker.loading import Model, batched, load

if TYPE_CHECKING:
    import asyncio
    from importlib.machinery import ModuleSpec


class _Setup(NamedTuple):
    model: Model
    slots: int
    loop: asyncio.AbstractEventLoop | None

    @property
    def loop_of_calls(self) -> asyncio.AbstractEventLoop | None:
        """What calls run on; None where they run one after the other without a loop."""
        return self.loop if self.model.is_async or self.slots > 1 else None


def work(data_fd: int, control_fd: int, *, path: list[str], sdk: str) -> int:
    """Be a worker until the server closes the data socket.

    Args:
        data_fd: Descriptor of the socket for calls.
        control_fd: Descriptor of the socket for what comes between calls.
        path: ``sys.path`` of a script, without its own folder.
        sdk: Folder that holds the SDK, for a Python that does not know it.

    Returns:
        The exit status.
    """
    try:
        return _work(data_fd, control_fd, path, sdk)
    except BaseException as error:  # noqa: BLE001 - whatever ends this process, its status says so
        crash(error)


def _work(data_fd: int, control_fd: int, path: list[str], sdk: str) -> int:
    data, control = Channel(_own(data_fd), ShortWaits(1)), Channel(_own(control_fd))
    init = data.receive()
    if init is None:
        return 1
    temporary.use(init.header.get("temporary") or "")
    _look_like_a_script(init.header["reference"], path, sdk)
    stdio.use_lines()
    # It ends this process when the server is gone, also while the model is being set up.
    listener = Control(control)
    listener.start()
    try:
        setup = _set_up(init)
    except BaseException as error:  # noqa: BLE001 - the model's code ends here, whatever it raises
        print_traceback(error)
        stdio.flush()
        data.send(Frame({"type": "setup_failed", "error": describe(error)}))
        return 1
    stdio.flush()
    _serve(data, listener, init, setup)
    return 0


def _own(descriptor: int) -> socket.socket:
    """Return the socket; neither programs that the model starts nor its forks keep it open."""
    os.set_inheritable(descriptor, False)  # noqa: FBT003 - takes no keywords
    sock = socket.socket(fileno=descriptor)
    os.register_at_fork(after_in_child=sock.close)
    return sock


def _look_like_a_script(reference: str, path: list[str], sdk: str) -> None:
    sys.argv[:] = [reference.partition(":")[0]]
    sys.path[:] = [os.getcwd(), *path]  # noqa: PTH109 - sys.path holds strings
    if PathFinder.find_spec("cog", sys.path) is None:
        sys.path.append(sdk)
    elif PathFinder.find_spec("coglet", sys.path) is None:
        sys.meta_path.append(_Coglet(sdk))


class _Coglet:
    """Finds upstream's second package, which images have only here; the model's path stays that of a script."""

    def __init__(self, folder: str) -> None:
        self._folder = folder

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        """Return where it is."""
        del path, target
        return PathFinder.find_spec(name, [self._folder]) if name == "coglet" else None


def _set_up(init: Frame) -> _Setup:
    header = init.header
    train = header.get("mode") == "train"
    threads = header.get("threads") or 1
    if header.get("slots") != 1 or threads > 1:
        stdio.route_by_context()
    model = load(header["reference"], train=train)
    if not train:
        model = batched(model, header.get("batch"))
    slots = _slots(model, header.get("slots"), threads)
    if slots == 1:
        stdio.route_no_more()
    loop = None
    if model.is_async or slots > 1:
        loop = _new_loop()
    result = _call_setup(model.holder)
    if hasattr(result, "__await__"):
        loop = loop or _new_loop()
        loop.run_until_complete(_waited_for(result))
    return _Setup(model, slots, loop)


def _slots(model: Model, wanted: int | None, threads: int) -> int:
    slots = wanted or model.concurrency or 1
    if model.is_async:
        return slots
    if slots > 1:
        raise TypeError("COG_MAX_CONCURRENCY > 1 requires an async run() or predict() method")
    return threads


def _call_setup(holder: Any) -> Any:
    setup = None if _is_function(holder) else getattr(holder, "setup", None)
    if setup is None:
        return None
    code = getattr(getattr(setup, "__func__", setup), "__code__", None)
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount] if code is not None else ()
    return setup(weights=os.environ.get("COG_WEIGHTS")) if "weights" in names else setup()


def _is_function(holder: Any) -> bool:
    return hasattr(holder, "__code__")


def _new_loop() -> asyncio.AbstractEventLoop:
    import asyncio  # noqa: PLC0415 - half of a small worker's start, and most models do not need it

    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    return loop


async def _waited_for(awaitable: Any) -> None:
    await awaitable


def _serve(data: Channel, listener: Control, init: Frame, setup: _Setup) -> None:
    model = setup.model
    loop = setup.loop_of_calls
    listener.healthcheck = _healthcheck(model, loop)
    models = _Models(model, init.header)
    serve: Callable[[], None]
    if loop is not None:
        from cog_runtime.worker.concurrent import ConcurrentLoop  # noqa: PLC0415 - imports asyncio
        from cog_runtime.worker.threads import Threads, in_a_new_thread  # noqa: PLC0415 - not for every model

        if setup.slots > 1:
            # Again: the model may have put a stream of its own in the place of ours.
            stdio.route_by_context()
        kind: type[ConcurrentLoop] = ConcurrentLoop
        if model.batch:
            from cog_runtime.worker.concurrent_batches import ConcurrentBatches  # noqa: PLC0415 - few models batch

            kind = ConcurrentBatches
        # An async model may have a training that blocks; a model that blocks has threads that stay.
        beside = in_a_new_thread if model.is_async else Threads(setup.slots).begin
        tasks = kind(data.socket, loop, models.get, beside, separate=setup.slots > 1)
        listener.cancel, serve = tasks.cancel, tasks.run
    else:
        from cog_runtime.worker.blocking import BlockingLoop  # noqa: PLC0415 - beside the other one

        canceller = Canceller()
        canceller.install()
        listener.cancel, serve = canceller.cancel, BlockingLoop(data, canceller, models.get).run
        if model.batch:
            from cog_runtime.worker.blocking_batches import BlockingBatches  # noqa: PLC0415 - few models batch

            batches = BlockingBatches(data, canceller, models.get)
            listener.cancel, serve = batches.cancel, batches.run
    data.send(_ready(setup, listener))
    try:
        serve()
    except (BrokenPipeError, ConnectionResetError):
        pass
    finally:
        signal.signal(signal.SIGUSR1, signal.SIG_IGN)


def _ready(setup: _Setup, listener: Control) -> Frame:
    batch = setup.model.batch
    return Frame(
        {
            **({"batch": {"size": batch.size, "window": batch.window}} if batch else {}),
            "type": "ready",
            "protocol": PROTOCOL,
            "slots": setup.slots,
            "healthcheck": listener.healthcheck is not None,
            "python": ".".join(map(str, sys.version_info[:3])),
            "sdk": sdk_version,
            "description": description_of(setup.model),
            "encodings": [MARSHAL],
        }
    )


def _healthcheck(model: Model, loop: asyncio.AbstractEventLoop | None) -> Callable[[], Any] | None:
    check = None if _is_function(model.holder) else getattr(model.holder, "healthcheck", None)
    if check is None:
        return None

    def run() -> Any:
        result = check()
        if not hasattr(result, "__await__"):
            return result
        import asyncio  # noqa: PLC0415 - for async models only

        if loop is not None:
            return asyncio.run_coroutine_threadsafe(result, loop).result()
        return asyncio.run(result)

    return run


class _Models:
    """What to call for predictions, and, from its first call on, what to call for trainings."""

    def __init__(self, model: Model, header: dict[str, Any]) -> None:
        self._model = model
        self._train = model if header.get("mode") == "train" else None
        self._reference: str | None = header.get("train")

    def get(self, call: Call) -> Model:
        """Return what to call.

        Raises:
            AttributeError: There is no training.
        """
        if not call.train:
            return self._model
        if self._train is None:
            if self._reference is None:
                raise AttributeError("Training not supported by this predictor")
            self._train = load(self._reference, train=True, holder=self._model.holder)
        return self._train
