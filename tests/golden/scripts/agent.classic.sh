#!/bin/sh
cd "$(dirname "$0")" &&
DOCKER_BUILDKIT=0 ${DOCKER:-docker} build \
    --file Dockerfile \
    --tag private \
    .
