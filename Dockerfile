# syntax=docker/dockerfile:1

# The names of what is built upon, so that a mirror, a digest or a local image can take their place.
ARG RUST_IMAGE=docker.io/library/rust:1.95-slim-bookworm

FROM ${RUST_IMAGE} AS build
WORKDIR /build
COPY . .
# The caches hold crates and compiled dependencies; our own sources are touched, so that what a cache remembers of them never
# decides what is in the image.
RUN --mount=type=cache,target=/usr/local/cargo/registry,sharing=locked \
    --mount=type=cache,target=/build/target,sharing=locked \
    find src core view -name '*.rs' -exec touch {} + \
    && scripts/release-binary.sh \
    && cp "target/$(rustc --print host-tuple)/release/baseload" /baseload

FROM scratch
# Without certificates there is no TLS, and without TLS no AWS. Zone data is embedded in the binary.
COPY --from=build /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build /baseload /baseload

# Schedules are not part of the image: mount them at /schedules, name a remote source in BASELOAD_SCHEDULES, or build
# upon it with `COPY schedules /schedules`. Named here so that whoever forgets is told the path.
ENV BASELOAD_SCHEDULES=/schedules

# What a busy moment took is given back after it: glibc would keep it for the next, and a small task has little.
ENV MALLOC_MMAP_THRESHOLD_=65536 MALLOC_TRIM_THRESHOLD_=65536

USER 65532:65532
EXPOSE 8080
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s --retries=3 CMD ["/baseload", "healthcheck"]
ENTRYPOINT ["/baseload"]
CMD ["run"]

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="baseload" \
      org.opencontainers.image.description="Scheduled capacity floors for Amazon ECS services" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
