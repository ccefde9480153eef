#!/usr/bin/env bash
# Throughput from topic to topic: redaction by one instance and by two, beside
# plain copies with the same client in the same run. What redaction costs is how
# much less than a copy it carries in the same time; at most 30 % is the promise.
#
#   run.sh HOST:PORT [MEGABYTES [PID]]     a broker for tests; 256 MB by default. With the broker's
#                                          PID on this machine its processor time is said too
#
# The plain copy is the program's own source and sink (same fetches, batches,
# requests, acks=all, codec and collector) without views, detectors and redaction;
# the library's copy is kafka-go's Reader and Writer. A second part gives each
# instance 0.4 of a core, so that two and the broker fit on two, and compares what
# one and two commit while the group is whole. It needs control groups (root).
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ $# -ge 1 ] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/sluice" ./cmd/sluice
SLUICE_BENCH_KAFKA=$1 SLUICE_BENCH_MB=${2:-256} SLUICE_BENCH_BROKER_PID=${3:-} SLUICE_BENCH_PROGRAM=$work/sluice \
  go test ./bench/kafka -count=1 -run 'TestThroughput|TestScaling' -v -timeout 30m
