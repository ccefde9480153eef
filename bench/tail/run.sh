#!/bin/sh
# The readers of this module through the torture harness, one table each:
# SLUICE_SHARED=… run.sh [SEED]
set -eu
: "${SLUICE_SHARED:?name the folder that holds torture/}"
seed=${1:-1}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT INT TERM
(cd "$SLUICE_SHARED/torture" && go build -o "$work/torture" ./cmd/torture)
(cd "$here" && go build -o "$work/hpcloud" ./hpcloud && go build -o "$work/nxadm" ./nxadm)
for reader in hpcloud nxadm; do
	"$work/torture" all -name "$reader" -seed "$seed" -limit 30s -cmd "$work/$reader -state {ckpt} {path}"
done
