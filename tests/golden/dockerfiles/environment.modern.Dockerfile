FROM registry.example.com/python:3.10

ENV DEBIAN_FRONTEND="noninteractive" \
    PYTHONUNBUFFERED="1"

# cog.yaml:3:9 (build.run[0])
RUN echo ready

COPY --link --from=runtime / /opt/cog

RUN { command -v /usr/local/bin/python3.10 >/dev/null || { echo 'the base image has no /usr/local/bin/python3.10' >&2; exit 1; }; } && site=/usr/local/lib/python3.10/site-packages && rm -rf $site/cog && ln -s /opt/cog/sdk/cog $site/cog && ln -sf /opt/cog/cog-startup.pth $site/cog-startup.pth && { command -v python >/dev/null || ln -s "$(command -v /usr/local/bin/python3.10)" /usr/local/bin/python; } && PYTHONHASHSEED=0 /usr/local/bin/python3.10 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/cog

WORKDIR /src

EXPOSE 5000/tcp

CMD ["python", "-m", "cog.server.http"]

LABEL org.cogmodel.builder="cog-core 1.0" \
    org.cogmodel.cog_version="0.22.0" \
    org.cogmodel.config="{\"build\":{\"python_version\":\"3.10\",\"run\":[{\"command\":\"echo ready\"}]}}" \
    org.opencontainers.image.revision="0123abc" \
    run.cog.config="{\"build\":{\"python_version\":\"3.10\",\"run\":[{\"command\":\"echo ready\"}]}}" \
    run.cog.has_init="true" \
    run.cog.pip_freeze="# further packages come from build.run or from sources" \
    run.cog.version="0.22.0"
