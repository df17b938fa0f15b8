"""Words of the HTTP API, as enumerations."""

from enum import Enum


class Status(str, Enum):
    """Where a prediction is; the values stand in responses and webhooks."""

    STARTING = "starting"
    PROCESSING = "processing"
    SUCCEEDED = "succeeded"
    CANCELED = "canceled"
    FAILED = "failed"

    @staticmethod
    def is_terminal(status: "Status | str | None") -> bool:
        """Return whether nothing more happens after this status."""
        return status in {Status.SUCCEEDED, Status.CANCELED, Status.FAILED}


class WebhookEvent(str, Enum):
    """What a webhook can be told about (``webhook_events_filter``)."""

    START = "start"
    OUTPUT = "output"
    LOGS = "logs"
    COMPLETED = "completed"

    @classmethod
    def default_events(cls) -> "set[WebhookEvent]":
        """Return all of them: what a request without a filter asks for."""
        return set(cls)
