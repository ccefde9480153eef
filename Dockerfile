# The image of Sluice: one static binary, certificates, and a folder that its
# user owns. It runs without rights on a read-only root:
#
#   docker build -t sluice .
#   docker run --rm --read-only -v "$PWD/logs:/logs:ro" sluice scan /logs
#
# Its health is that of watch. What has an end needs none: a scan of minutes is
# run with --no-healthcheck.
#
# To redact a gateway's output before Docker stores it, take the binary into the
# gateway's image: COPY --from=sluice /sluice /sluice, and begin its entrypoint
# with /sluice exec --.
#
# Where no base image can be pulled, build the binary first and take the first
# target; it needs nothing but this folder:
#
#   sh examples/dist.sh && docker build --target prebuilt -t sluice .

FROM scratch AS prebuilt
COPY dist/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --chown=65532:65532 dist/state /var/lib/sluice
COPY dist/sluice /sluice
ENV SLUICE_STATE_DIR=/var/lib/sluice SLUICE_LISTEN=127.0.0.1:9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/sluice", "health"]
USER 65532:65532
WORKDIR /var/lib/sluice
ENTRYPOINT ["/sluice"]
CMD ["--help"]

FROM golang:1.26 AS build
WORKDIR /src
COPY go.mod go.sum ./
RUN go mod download
COPY . .
RUN sh examples/dist.sh

FROM scratch
COPY --from=build /src/dist/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
COPY --from=build --chown=65532:65532 /src/dist/state /var/lib/sluice
COPY --from=build /src/dist/sluice /sluice
ENV SLUICE_STATE_DIR=/var/lib/sluice SLUICE_LISTEN=127.0.0.1:9464
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["/sluice", "health"]
USER 65532:65532
WORKDIR /var/lib/sluice
ENTRYPOINT ["/sluice"]
CMD ["--help"]
