"""What is raised inside a model by the runtime."""


class CancelationException(BaseException):
    """The prediction was cancelled.

    It derives from ``BaseException`` so that ``except Exception`` in a model does not swallow it; a model that
    catches it to clean up raises it again. Async predictions see ``asyncio.CancelledError`` instead.
    """


CancelationError = CancelationException
