# The server in an image of its own, without a PostgreSQL: DATABASE_URL and SECRET_KEY have to be given. It has pg_dump, for
# the commands `backup` and `restore`.
#   docker build -t healthcare-backend .
#   docker run -p 8000:8000 -e DATABASE_URL=… -e SECRET_KEY=… healthcare-backend
ARG RUST=rust:1.95-slim-trixie
ARG DEBIAN=debian:trixie-slim

FROM ${RUST} AS build
WORKDIR /src
COPY . .
RUN cargo build --release --locked

FROM ${DEBIAN}
# the versions are the distribution's
# hadolint ignore=DL3008
RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates postgresql-client \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --user-group --no-create-home --home-dir /nonexistent healthcare-backend
COPY --from=build /src/target/release/healthcare-backend /usr/local/bin/
USER 10001:10001
WORKDIR /
ENV HOST=0.0.0.0 PORT=8000 DATA_DIR=/tmp/healthcare-backend LOG_FORMAT=json
EXPOSE 8000
# it lives while it answers
HEALTHCHECK --interval=10s --timeout=3s --start-period=5m --retries=3 \
    CMD ["bash", "-c", "exec 3<>/dev/tcp/127.0.0.1/$PORT && printf 'GET /livez HTTP/1.1\\r\\nHost: localhost\\r\\nConnection: close\\r\\n\\r\\n' >&3 && head -n 1 <&3 | grep -q ' 200 '"]
ENTRYPOINT ["healthcare-backend"]
CMD ["serve"]
