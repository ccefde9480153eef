#!/bin/sh
# Makes dist/: what the image holds. Needs Go and the system's certificates.
set -eu
cd "$(dirname "$0")/.."
rm -rf dist
mkdir -p -m 700 dist/state
CGO_ENABLED=0 go build -trimpath -ldflags "-s -w -X main.release=${RELEASE:-}" -o dist/sluice ./cmd/sluice
for certs in /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem; do
  if [ -s "$certs" ]; then
    cp "$certs" dist/ca-certificates.crt
    exit 0
  fi
done
echo "dist.sh: no certificates found on this system" >&2
exit 1
