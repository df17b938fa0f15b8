"""Builds with a Docker engine, local or remote, of any age from 20.10 on."""
