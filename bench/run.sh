#!/usr/bin/env bash
# Runs Sluice beside gitleaks, gitleaks' go-re2 build and any other scanner that is
# on PATH over the same bytes, and prints CPU time, wall time, memory, findings, true
# and false ones, and the ratios. Everything it makes is in bench/out.
#
#   bench/run.sh [MB]      size of the corpora in millions of bytes (default 20)
#
# gitleaks is slow: both builds get a tenth of each corpus, the other scanners a
# quarter; rates are per byte. What is done in less than two seconds of processor is
# run five times, of which the one at the median is told.
set -euo pipefail
cd "$(dirname "$0")/.."
mb=${1:-20}
small=$((mb / 10 > 0 ? mb / 10 : 1))
quarter=$((mb / 4 > 0 ? mb / 4 : 1))
out=bench/out
mkdir -p "$out" bench/results
rev=$(git rev-parse --short HEAD 2>/dev/null || echo unknown)
rows=bench/results/$rev.tsv

go build -o "$out/sluice" ./cmd/sluice
go build -o "$out/corpus" ./bench/corpus
go build -o "$out/score" ./bench/score
[ -x "$out/gitleaks" ] || GOBIN=$PWD/$out go install github.com/zricethezav/gitleaks/v8@v8.30.1
[ -x "$out/re2/gitleaks" ] || GOBIN=$PWD/$out/re2 go install -tags gore2regex github.com/zricethezav/gitleaks/v8@v8.30.1
for kind in gateway json clean hostile; do
  for size in "$mb" "$small" "$quarter"; do
    [ -s "$out/$kind-$size.log" ] || "$out/corpus" -kind "$kind" -mb "$size" -truth "$out/$kind-$size.json" >"$out/$kind-$size.log"
  done
done

# timed NAME CORPUS SIZE FORMAT COMMAND...: one row. Exit codes of scanners say
# whether they found something, so they are not judged here.
timed() {
  local name=$1 corpus=$2 size=$3 format=$4
  shift 4
  local report=$out/$name-$corpus.report
  : >"$out/times"
  for _ in 1 2 3 4 5; do
    /usr/bin/time -o "$out/time" -f '%U %S %e %M' "$@" >"$report" 2>"$out/$name.err" || true
    tail -1 "$out/time" | awk '{ printf "%.2f %s %s\n", $1 + $2, $3, $4 }' >>"$out/times"
    awk '{ exit $1 < 2 }' <(tail -1 "$out/times") && break
  done
  read -r cpu wall kb < <(sort -n "$out/times" | awk '{ row[NR] = $0 } END { print row[int((NR + 1) / 2)] }')
  local verdict="" saved=$report
  [ "$format" = gitleaks ] && saved=$out/gitleaks.json
  [ "$format" = none ] || verdict=$("$out/score" -format "$format" -log "$out/$corpus-$size.log" -truth "$out/$corpus-$size.json" "$saved")
  awk -v n="$name" -v c="$corpus" -v mb="$size" -v cpu="$cpu" -v w="$wall" -v k="$kb" -v v="$verdict" 'BEGIN {
    if (cpu < 0.01) cpu = 0.01
    printf "%s\t%s\t%d\t%.2f\t%.2f\t%.1f\t%d\t%s\n", n, c, mb, cpu, w, mb / cpu, k / 1024, v }' | tee -a "$rows"
}

printf 'scanner\tcorpus\tMB\tcpu_s\twall_s\tMB_per_cpu_s\tMiB\tfindings\n' | tee "$rows"
for corpus in gateway json clean hostile; do
  big=$out/$corpus-$mb.log little=$out/$corpus-$small.log middle=$out/$corpus-$quarter.log
  timed sluice "$corpus" "$mb" jsonl "$out/sluice" scan "$big" --format jsonl
  timed sluice-gitleaks-rules "$corpus" "$mb" none "$out/sluice" scan "$big" --format jsonl --no-default-rules --rules bench/gitleaks.toml
  timed sluice-redact "$corpus" "$mb" none "$out/sluice" redact "$big"
  timed grep "$corpus" "$mb" none grep -cE 'sk-[A-Za-z0-9_-]{16,}' "$big"
  timed gitleaks "$corpus" "$small" gitleaks "$out/gitleaks" dir "$little" --no-banner --exit-code 0 -f json -r "$out/gitleaks.json"
  timed gitleaks-re2 "$corpus" "$small" gitleaks "$out/re2/gitleaks" dir "$little" --no-banner --exit-code 0 -f json -r "$out/gitleaks.json"
  for other in betterleaks ripsecrets titus kingfisher trufflehog; do
    command -v "$other" >/dev/null || continue
    case $other in
      ripsecrets) timed "$other" "$corpus" "$quarter" text ripsecrets "$middle" ;;
      kingfisher) timed "$other" "$corpus" "$quarter" text kingfisher scan "$middle" --no-validate --no-update-check ;;
      titus) timed "$other" "$corpus" "$quarter" none titus scan "$middle" --output :memory: --max-file-size 1000000000 ;;
      trufflehog) timed "$other" "$corpus" "$quarter" text trufflehog filesystem "$middle" --no-verification --no-update --json ;;
      *) timed "$other" "$corpus" "$quarter" text "$other" dir "$middle" ;;
    esac
  done
done

echo
echo "ratios, MB per second of CPU:"
awk -F'\t' 'NR > 1 { speed[$1, $2] = $3 / $4; corpora[$2]; scanners[$1]
    if ($1 !~ /^sluice|^grep/ && speed[$1, $2] > best[$2]) { best[$2] = speed[$1, $2]; who[$2] = $1 } }
  END { for (c in corpora) for (s in scanners) if (s != "gitleaks" && speed[s, c] && speed["gitleaks", c])
    printf "  %-8s %-22s %.0f times gitleaks, %.1f times its go-re2 build, %.1f times %s\n", c, s,
      speed[s, c] / speed["gitleaks", c], speed[s, c] / speed["gitleaks-re2", c], speed[s, c] / best[c], who[c] }' "$rows" | sort
