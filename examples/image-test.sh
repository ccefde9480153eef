#!/usr/bin/env bash
# Builds the image and runs it beside a container that prints a real gateway's
# log: the leaks are found, Sluice is killed and started again, and nothing is
# lost. Needs a Docker engine, Go and python3.
#
#   examples/image-test.sh LOG
set -euo pipefail
log=$(realpath "$1")
cd "$(dirname "$0")/.."
run=sluice-image-test-$$
work=$(mktemp -d)
clean() {
  docker rm -f "$run-sluice" "$run-gateway" >/dev/null 2>&1 || true
  docker volume rm "$run" >/dev/null 2>&1 || true
  docker rmi "$run-gateway" >/dev/null 2>&1 || true
  rm -rf "$work"
}
trap clean EXIT

sh examples/dist.sh
docker build -q --target prebuilt -t sluice . >/dev/null
CGO_ENABLED=0 go build -o "$work/slowcat" ./bench/slowcat
cp "$log" "$work/log"
tar -C "$work" -c slowcat log | docker import - "$run-gateway" >/dev/null

docker run -d --name "$run-gateway" --network none "$run-gateway" /slowcat -pace 150us /log >/dev/null
docker run -d --name "$run-sluice" --network none --read-only --cap-drop ALL --security-opt no-new-privileges \
  -v "$run:/var/lib/sluice" -v /var/run/docker.sock:/var/run/docker.sock:ro --group-add "$(stat -c %g /var/run/docker.sock)" \
  --health-interval 1s sluice watch "docker://$run-gateway" --format jsonl >/dev/null
until [ "$(docker inspect "$run-sluice" --format '{{.State.Health.Status}}')" = healthy ]; do sleep 0.2; done
until [ "$(docker logs "$run-sluice" 2>/dev/null | head -c 1)" ]; do :; done
docker kill -s KILL "$run-sluice" >/dev/null
docker start "$run-sluice" >/dev/null
docker wait "$run-gateway" >/dev/null

dist/sluice scan --format jsonl "$log" >"$work/scan.jsonl" || [ $? -eq 1 ]
python3 - "$run-sluice" "$work/scan.jsonl" <<'PY'
import collections, json, subprocess, sys, time

def key(line):
    f = json.loads(line)
    # Prints differ between the two, for each has a key of its own.
    context = " ".join(w.split(":")[1] if w.startswith("[sluice:") else w for w in f["context"].replace("[sluice:", " [sluice:").replace("]", "] ").split())
    return f["rule"], f["position"]["column"], f["secret"]["length"], context

want = collections.Counter(key(l) for l in open(sys.argv[2]) if '"rule"' in l)
deadline = time.monotonic() + 60
while True:
    out = subprocess.run(["docker", "logs", sys.argv[1]], capture_output=True, text=True).stdout
    got = collections.Counter(key(l) for l in out.splitlines() if '"rule"' in l)
    lost = want - got
    if not lost or time.monotonic() > deadline:
        break
print(f"{sum(want.values())} findings of a scan, {sum(lost.values())} of them lost, {sum((got - want).values())} found again after the kill")
sys.exit(1 if lost or not want else 0)
PY
docker stop "$run-sluice" >/dev/null
code=$(docker inspect "$run-sluice" --format '{{.State.ExitCode}}')
[ "$code" = 0 ] || { echo "a clean stop ended with $code"; docker logs "$run-sluice" 2>&1 >/dev/null | tail -5; exit 1; }
