"""Errors of the SDK; the names are upstream's."""


class CogError(Exception):
    """Root of the SDK's own errors."""


class ConfigDoesNotExist(CogError):
    """There is no configuration where one was expected."""


class PredictorNotSet(CogError):
    """The configuration names no model class or function."""
