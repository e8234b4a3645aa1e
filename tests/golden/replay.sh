# replay.sh DUOSIM DUMP - the pair's study executed and replayed from the recording that ships: the same tables, byte for byte, but
# for the answers' label and provenance.  Compared: every row of every request, device, link, server, metric and difference.
duosim=$(realpath "$1") && dump=$(realpath "$2") || exit 2
cd "$(dirname "$0")/../.." || exit 2
pair=$(dirname "$duosim")/models/pair
if [ ! -e "$pair/cloud-q8_0.gguf" ] || [ ! -e traces/recorded/pair.db ]; then
    echo "replay: skipped: the pair or its recording is not in this tree"
    echo "0 passed, 0 failed, 1 skipped"
    exit 0
fi
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT
passed=0 failed=0

for way in executed recorded; do
    if "$duosim" run "pair_$way" --out "$out/$way.db" >"$out/$way.text" 2>&1; then
        "$dump" "$out/$way.db" | grep -E '^(device|link|metric|metric_seed|paired|reason|request|server)\|' >"$out/$way.rows"
        "$duosim" table "$out/$way.db" --format csv --columns label,quality,cloud_share,ttft_p50,e2e_p50,e2e_p99,joules_device,dollars,bytes_up,wasted_tokens,failed >"$out/$way.csv"
        passed=$((passed + 1))
    else
        echo "replay: failed: pair_$way: exit $?"
        tail -n 20 "$out/$way.text"
        failed=$((failed + 1))
    fi
done
for kind in rows csv; do
    if [ -s "$out/executed.$kind" ] && cmp "$out/executed.$kind" "$out/recorded.$kind" >"$out/cmp" 2>&1; then
        echo "replay: $kind: the same $(wc -l <"$out/executed.$kind") lines"
        passed=$((passed + 1))
    else
        echo "replay: failed: $kind differ"
        diff "$out/executed.$kind" "$out/recorded.$kind" | head -n 10
        failed=$((failed + 1))
    fi
done
# The comparison can fail: another seed is another day.
if "$duosim" run pair_recorded --seed 9..10 --out "$out/other.db" >/dev/null 2>&1 && "$dump" "$out/other.db" | grep '^request|' | cmp -s - "$out/recorded.rows"; then
    echo "replay: failed: another seed gives the same rows"
    failed=$((failed + 1))
else
    passed=$((passed + 1))
fi
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ]
