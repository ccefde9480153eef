#!/usr/bin/env bash
# Throughput from topic to topic: redaction by one instance and by two, beside a
# plain copy with the same client in the same run.
#
#   run.sh HOST:PORT [MEGABYTES [PID]]     a broker for tests; 256 MB by default. With the broker's
#                                          PID on this machine its processor time is said too
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.."
[ $# -ge 1 ] || { sed -n '2,/^set /{/^set /d;s/^# \{0,1\}//;p}' "$0" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
go build -o "$work/sluice" ./cmd/sluice
SLUICE_BENCH_KAFKA=$1 SLUICE_BENCH_MB=${2:-256} SLUICE_BENCH_BROKER_PID=${3:-} SLUICE_BENCH_PROGRAM=$work/sluice \
  go test ./bench/kafka -count=1 -run TestThroughput -v -timeout 30m
