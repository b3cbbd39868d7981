# One image for every part of Baton; docker-compose.yml says which command each part runs, and Valkey has its own image.
# For production pin the base by digest: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:... (docs/containers.md).
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG BUILD_IMAGE=${PYTHON_IMAGE}

FROM ${BUILD_IMAGE} AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
# Before the code, so that a change of ours downloads nothing. Wheels only: what would need a compiler fails here.
COPY requirements.txt requirements-otel.txt constraints.txt /build/
RUN python -m venv --without-pip /opt/baton \
 && python -m pip --python /opt/baton/bin/python install --only-binary :all: \
    -r /build/requirements.txt -r /build/requirements-otel.txt
COPY . /app
# Compiled here, since nothing can be written where it runs; readable by all and writable by root, whatever the checkout's umask.
RUN python -m compileall -q --invalidation-mode unchecked-hash /app && chmod -R a+rX,go-w /app

FROM ${PYTHON_IMAGE}
ARG VERSION=0.2.0
LABEL org.opencontainers.image.title="baton" \
      org.opencontainers.image.description="Runs questions through AI agents and makes the answer arrive." \
      org.opencontainers.image.version="${VERSION}"
RUN groupadd --gid 10001 baton && useradd --uid 10001 --gid 10001 --home-dir /tmp --no-create-home --shell /usr/sbin/nologin baton
COPY --from=build /opt/baton /opt/baton
COPY --from=build /app /app
ENV PATH=/opt/baton/bin:$PATH HOME=/tmp PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 LOG_FORMAT=json
WORKDIR /app
USER 10001:10001
STOPSIGNAL SIGTERM
CMD ["python", "-m", "api"]
