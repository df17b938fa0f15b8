"""Containers without an engine: the image's own files, entered through the kernel's namespaces."""

from cog_backends.oci.sandbox.container import SandboxContainer, SandboxRequest, start, unavailable

__all__ = ["SandboxContainer", "SandboxRequest", "start", "unavailable"]
