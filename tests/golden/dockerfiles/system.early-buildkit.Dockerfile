FROM python:3.11.4-slim

ENV DEBIAN_FRONTEND="noninteractive" \
    PYTHONUNBUFFERED="1" \
    HF_HOME="/models/my cache" \
    QUOTED="say \"\$x\" \\ done"

# cog.yaml:4:21 (build.system_packages[0])
RUN --mount=type=cache,id=cog-apt,target=/var/cache/apt,sharing=locked apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qqy --no-install-recommends ffmpeg libgl1 && rm -rf /var/lib/apt/lists/*

# cog.yaml:5:21 (build.python_packages[0])
COPY wheels/own[[]1].whl /opt/cog/wheels/own-1-py3-none-any.whl

# cog.yaml:5:21 (build.python_packages[0])
COPY --from=files /opt/cog/unlocked.txt /opt/cog/unlocked.txt

# cog.yaml:5:21 (build.python_packages[0])
RUN --mount=type=cache,id=cog-pip,target=/root/.cache/pip,sharing=shared --mount=type=secret,id=cog-ca-cert,target=/run/secrets/cog-ca-cert,required=true --mount=type=secret,id=cog-netrc,target=/run/secrets/cog-netrc,required=true PYTHONHASHSEED=0 PIP_CERT=/run/secrets/cog-ca-cert NETRC=/run/secrets/cog-netrc /usr/local/bin/python3.11 -m pip install --disable-pip-version-check --root-user-action=ignore -r /opt/cog/unlocked.txt

# cog.yaml:7:7 (build.run[0])
RUN --mount=type=secret,id=cog-ca-cert,target=/run/secrets/cog-ca-cert,required=true export SSL_CERT_FILE=/run/secrets/cog-ca-cert REQUESTS_CA_BUNDLE=/run/secrets/cog-ca-cert CURL_CA_BUNDLE=/run/secrets/cog-ca-cert PIP_CERT=/run/secrets/cog-ca-cert GIT_SSL_CAINFO=/run/secrets/cog-ca-cert; echo "$HOME" && curl -sSL https://example.com/it | sh

# cog.yaml:8:7 (build.run[1])
RUN --mount=type=secret,id=index,target=/run/secrets/index,required=true --mount=type=secret,id=cog-ca-cert,target=/run/secrets/cog-ca-cert,required=true ["/bin/sh", "-c", "export SSL_CERT_FILE=/run/secrets/cog-ca-cert REQUESTS_CA_BUNDLE=/run/secrets/cog-ca-cert CURL_CA_BUNDLE=/run/secrets/cog-ca-cert PIP_CERT=/run/secrets/cog-ca-cert GIT_SSL_CAINFO=/run/secrets/cog-ca-cert; set -e\nset -e\npip download --index-url \"$(cat /run/secrets/index)\" thing\ncat <<EOF > /etc/thing\nit's here\nEOF"]

COPY --from=runtime / /opt/cog

RUN { command -v /usr/local/bin/python3.11 >/dev/null || { echo 'the base image has no /usr/local/bin/python3.11' >&2; exit 1; }; } && site=/usr/local/lib/python3.11/site-packages && rm -rf $site/cog && ln -s /opt/cog/sdk/cog $site/cog && ln -sf /opt/cog/cog-startup.pth $site/cog-startup.pth && { command -v python >/dev/null || ln -s "$(command -v /usr/local/bin/python3.11)" /usr/local/bin/python; } && PYTHONHASHSEED=0 /usr/local/bin/python3.11 -m compileall -q -j 0 --invalidation-mode unchecked-hash /opt/cog

WORKDIR /src

ENV COG_PREDICT_TYPE_STUB="predict.py:Predictor" \
    COG_TRAIN_TYPE_STUB="train.py:train" \
    COG_MAX_CONCURRENCY="4"

COPY . /src

COPY --from=files /opt/cog/model/openapi_schema.json /opt/cog/model/openapi_schema.json

COPY --from=files /src/.cog/openapi_schema.json /src/.cog/openapi_schema.json

EXPOSE 5000/tcp

CMD ["python", "-m", "cog.server.http"]

LABEL org.cogmodel.builder="cog-core 1.0" \
    org.cogmodel.cog_version="0.22.0" \
    org.cogmodel.config="{\"build\":{\"python_version\":\"3.11.4\",\"python_packages\":[\"git+https://example.com/model.git@v1\"],\"run\":[{\"command\":\"echo \\\"\$HOME\\\" && curl -sSL https://example.com/it | sh\"},{\"command\":\"set -e\\npip download --index-url \\\"\$(cat /run/secrets/index)\\\" thing\\ncat <<EOF > /etc/thing\\nit's here\\nEOF\\n\",\"mounts\":[{\"type\":\"secret\",\"id\":\"index\",\"target\":\"/run/secrets/index\"}]}],\"system_packages\":[\"ffmpeg\",\"libgl1\"]},\"predict\":\"predict.py:Predictor\",\"train\":\"train.py:train\",\"concurrency\":{\"max\":4},\"environment\":[\"HF_HOME=/models/my cache\",\"QUOTED=say \\\"\$x\\\" \\\\ done\"]}" \
    org.cogmodel.openapi_schema="{\"openapi\":\"3.0.2\",\"info\":{\"title\":\"Cog\",\"version\":\"0.1.0\"}}" \
    org.opencontainers.image.revision="0123abc" \
    run.cog.config="{\"build\":{\"python_version\":\"3.11.4\",\"python_packages\":[\"git+https://example.com/model.git@v1\"],\"run\":[{\"command\":\"echo \\\"\$HOME\\\" && curl -sSL https://example.com/it | sh\"},{\"command\":\"set -e\\npip download --index-url \\\"\$(cat /run/secrets/index)\\\" thing\\ncat <<EOF > /etc/thing\\nit's here\\nEOF\\n\",\"mounts\":[{\"type\":\"secret\",\"id\":\"index\",\"target\":\"/run/secrets/index\"}]}],\"system_packages\":[\"ffmpeg\",\"libgl1\"]},\"predict\":\"predict.py:Predictor\",\"train\":\"train.py:train\",\"concurrency\":{\"max\":4},\"environment\":[\"HF_HOME=/models/my cache\",\"QUOTED=say \\\"\$x\\\" \\\\ done\"]}" \
    run.cog.has_init="true" \
    run.cog.openapi_schema="{\"openapi\":\"3.0.2\",\"info\":{\"title\":\"Cog\",\"version\":\"0.1.0\"}}" \
    run.cog.pip_freeze="# further packages come from build.run or from sources" \
    run.cog.version="0.22.0"
