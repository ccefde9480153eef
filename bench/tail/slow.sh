#!/bin/sh
# 1,000 lines a second, a rotation every 10 s: three logs at a time, each followed
# by all readers. Prints what torture check says of each: SLUICE_SHARED=… slow.sh [LINES]
set -eu
: "${SLUICE_SHARED:?name the folder that holds torture/}"
lines=${1:-60000}
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
pids=
stop() { kill $pids 2>/dev/null || true; wait; rm -rf "$work"; }
trap stop EXIT INT TERM
(cd "$SLUICE_SHARED/torture" && go build -o "$work/torture" ./cmd/torture)
(cd "$here" && go build -o "$work/hpcloud" ./hpcloud && go build -o "$work/nxadm" ./nxadm)
(cd "$here/../.." && go build -o "$work/sluice" ./cmd/sluice)

writers=
for seed in 1 2 3; do
	dir=$work/$seed
	mkdir -p "$dir/logs"
	log=$dir/logs/app.log
	: >"$log"
	"$work/hpcloud" "$log" >"$dir/hpcloud" 2>/dev/null & pids="$pids $!"
	"$work/hpcloud" -poll "$log" >"$dir/hpcloud-poll" 2>/dev/null & pids="$pids $!"
	"$work/nxadm" "$log" >"$dir/nxadm" 2>/dev/null & pids="$pids $!"
	"$work/nxadm" -poll "$log" >"$dir/nxadm-poll" 2>/dev/null & pids="$pids $!"
	tail -F -n +1 "$log" >"$dir/tail-F" 2>/dev/null & pids="$pids $!"
	"$work/sluice" redact --follow "$log" -o "$dir/sluice" --state-dir "$dir/state" 2>/dev/null & pids="$pids $!"
	sleep "$seed" # so that the three rotate at other moments
	"$work/torture" write -path "$log" -n "$lines" -rate 1000 -every 10000 -mode rename >/dev/null & writers="$writers $!"
done
for w in $writers; do wait "$w"; done
sleep 3 # what is under way arrives
for reader in hpcloud hpcloud-poll nxadm nxadm-poll tail-F sluice; do
	for seed in 1 2 3; do
		printf '%-12s seed %s: ' "$reader" "$seed"
		"$work/torture" check -n "$lines" <"$work/$seed/$reader"
	done
done
