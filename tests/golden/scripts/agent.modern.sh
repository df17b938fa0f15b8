#!/bin/sh
# This build may need a secret; add: --secret id=index,src=FILE
# This build asks your SSH agent; another one's socket can stand in place of $SSH_AUTH_SOCK.
cd "$(dirname "$0")" &&
${DOCKER:-docker} buildx build \
    --file Dockerfile \
    --load \
    --provenance=false \
    --build-arg SOURCE_DATE_EPOCH=315619200 \
    --build-context runtime=runtime \
    --platform linux/amd64 \
    --ssh default="$SSH_AUTH_SOCK" \
    --ssh work="$SSH_AUTH_SOCK" \
    --tag private \
    project
