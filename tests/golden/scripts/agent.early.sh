#!/bin/sh
# This build may need a secret; add: --secret id=index,src=FILE
# This build asks your SSH agent; another one's socket can stand in place of $SSH_AUTH_SOCK.
cd "$(dirname "$0")" &&
DOCKER_BUILDKIT=1 ${DOCKER:-docker} build \
    --file Dockerfile \
    --platform linux/amd64 \
    --ssh default="$SSH_AUTH_SOCK" \
    --ssh work="$SSH_AUTH_SOCK" \
    --tag private \
    .
