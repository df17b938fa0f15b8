"""The endpoints: ASGI applications as instances, one class for each kind of request."""
