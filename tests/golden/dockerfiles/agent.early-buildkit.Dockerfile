FROM python:3.12-slim

ENV DEBIAN_FRONTEND="noninteractive" \
    PYTHONUNBUFFERED="1"

# cog.yaml:5:7 (build.run[0])
RUN --mount=type=ssh,id=default,required=true git clone git@example.com:team/private.git /opt/private

# cog.yaml:7:7 (build.run[1])
RUN --mount=type=ssh,id=work,required=true --mount=type=secret,id=index,target=/run/secrets/index,required=true git -C /opt/private fetch work:other

COPY --from=runtime / /opt/cog

RUN { command -v /usr/local/bin/python3.12 >/dev/null || { echo 'the base image has no /usr/local/bin/python3.12' >&2; exit 1; }; } && site=/usr/local/lib/python3.12/site-packages && rm -rf $site/cog && ln -s /opt/cog/sdk/cog $site/cog && ln -sf /opt/cog/cog-startup.pth $site/cog-startup.pth && { command -v python >/dev/null || ln -s "$(command -v /usr/local/bin/python3.12)" /usr/local/bin/python; } && PYTHONHASHSEED=0 /usr/local/bin/python3.12 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/cog

WORKDIR /src

ENV COG_PREDICT_TYPE_STUB="run.py:Runner"

COPY . /src

COPY --from=files /opt/cog/model/openapi_schema.json /opt/cog/model/openapi_schema.json

COPY --from=files /src/.cog/openapi_schema.json /src/.cog/openapi_schema.json

EXPOSE 5000/tcp

CMD ["python", "-m", "cog.server.http"]

LABEL org.cogmodel.builder="cog-core 1.0" \
    org.cogmodel.cog_version="0.22.0" \
    org.cogmodel.config="{\"build\":{\"python_version\":\"3.12\",\"run\":[{\"command\":\"git clone git@example.com:team/private.git /opt/private\",\"mounts\":[{\"type\":\"ssh\"}]},{\"command\":\"git -C /opt/private fetch work:other\",\"mounts\":[{\"type\":\"ssh\",\"id\":\"work\"},{\"type\":\"secret\",\"id\":\"index\",\"target\":\"/run/secrets/index\"}]}]},\"predict\":\"run.py:Runner\"}" \
    org.cogmodel.openapi_schema="{\"openapi\":\"3.0.2\",\"info\":{\"title\":\"Cog\",\"version\":\"0.1.0\"}}" \
    org.opencontainers.image.revision="0123abc" \
    run.cog.config="{\"build\":{\"python_version\":\"3.12\",\"run\":[{\"command\":\"git clone git@example.com:team/private.git /opt/private\",\"mounts\":[{\"type\":\"ssh\"}]},{\"command\":\"git -C /opt/private fetch work:other\",\"mounts\":[{\"type\":\"ssh\",\"id\":\"work\"},{\"type\":\"secret\",\"id\":\"index\",\"target\":\"/run/secrets/index\"}]}]},\"predict\":\"run.py:Runner\"}" \
    run.cog.has_init="true" \
    run.cog.openapi_schema="{\"openapi\":\"3.0.2\",\"info\":{\"title\":\"Cog\",\"version\":\"0.1.0\"}}" \
    run.cog.pip_freeze="# further packages come from build.run or from sources" \
    run.cog.version="0.22.0"
