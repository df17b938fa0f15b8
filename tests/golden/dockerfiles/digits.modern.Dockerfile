FROM python:3.13-slim

ENV DEBIAN_FRONTEND="noninteractive" \
    PYTHONUNBUFFERED="1"

# requirements.txt:1:1
COPY <<'EOF' /opt/cog/requirements.txt
numpy==2.2.0 --hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
pillow==11.0.0 --hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
EOF

# requirements.txt:1:1
RUN --mount=type=cache,id=cog-pip,target=/root/.cache/pip,sharing=shared PYTHONHASHSEED=0 /usr/local/bin/python3.13 -m pip install --disable-pip-version-check --root-user-action=ignore --no-deps --require-hashes -r /opt/cog/requirements.txt

COPY --link --from=runtime / /opt/cog

RUN { command -v /usr/local/bin/python3.13 >/dev/null || { echo 'the base image has no /usr/local/bin/python3.13' >&2; exit 1; }; } && site=/usr/local/lib/python3.13/site-packages && rm -rf $site/cog && ln -s /opt/cog/sdk/cog $site/cog && ln -sf /opt/cog/cog-startup.pth $site/cog-startup.pth && { command -v python >/dev/null || ln -s "$(command -v /usr/local/bin/python3.13)" /usr/local/bin/python; } && PYTHONHASHSEED=0 /usr/local/bin/python3.13 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/cog

WORKDIR /src

ENV COG_PREDICT_TYPE_STUB="run.py:Runner"

COPY . /src

COPY <<'EOF' /opt/cog/model/openapi_schema.json
{"openapi":"3.0.2","info":{"title":"Cog","version":"0.1.0"}}
EOF

COPY <<'EOF' /src/.cog/openapi_schema.json
{"openapi":"3.0.2","info":{"title":"Cog","version":"0.1.0"}}
EOF

EXPOSE 5000/tcp

CMD ["python", "-m", "cog.server.http"]

LABEL org.cogmodel.builder="cog-core 1.0" \
    org.cogmodel.cog_version="0.22.0" \
    org.cogmodel.config="{\"build\":{\"python_version\":\"3.13\",\"python_requirements\":\"requirements.txt\"},\"predict\":\"run.py:Runner\"}" \
    org.cogmodel.lock="[\"numpy==2.2.0 --hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\",\"pillow==11.0.0 --hash=sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\"]" \
    org.cogmodel.openapi_schema="{\"openapi\":\"3.0.2\",\"info\":{\"title\":\"Cog\",\"version\":\"0.1.0\"}}" \
    org.opencontainers.image.revision="0123abc" \
    run.cog.config="{\"build\":{\"python_version\":\"3.13\",\"python_requirements\":\"requirements.txt\"},\"predict\":\"run.py:Runner\"}" \
    run.cog.has_init="true" \
    run.cog.openapi_schema="{\"openapi\":\"3.0.2\",\"info\":{\"title\":\"Cog\",\"version\":\"0.1.0\"}}" \
    run.cog.version="0.22.0"
