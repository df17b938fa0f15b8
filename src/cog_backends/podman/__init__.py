"""Builds and runs images with podman and buildah, as root or as an ordinary user, without a daemon."""
