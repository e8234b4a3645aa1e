# run.sh DUOSIM [NAME...] - every scenario that ships (or the named ones) runs, and keeps what its expect: block says.
# Those that need real data are skipped in words where DUOSIM_DATA doesn't point to them.
duosim=$(realpath "$1") || exit 2
shift
cd "$(dirname "$0")/../.." || exit 2
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT
passed=0 failed=0 skipped=0

for file in scenarios/*.yaml; do
    name=$(basename "$file" .yaml)
    case " $* " in
    '  ' | *" $name "*) ;;
    *) continue ;;
    esac
    if grep -q '^[^#]*DUOSIM_DATA' "$file" && [ -z "${DUOSIM_DATA:-}" ]; then
        echo "$file: skipped: needs real data, and DUOSIM_DATA is not set"
        skipped=$((skipped + 1))
        continue
    fi
    if grep -qE '^ *(executed|recorded): *(pair|\{ n:)' "$file" && { [ ! -e "$(dirname "$duosim")/models/pair/cloud-q8_0.gguf" ] || [ ! -e traces/recorded/pair.db ]; }; then
        echo "$file: skipped: the pair or its recording is not in this tree"
        skipped=$((skipped + 1))
        continue
    fi
    if ! grep -q '^expect:' "$file"; then
        echo "$file: failed: has no expect: block"
        failed=$((failed + 1))
        continue
    fi
    start=$(date +%s)
    "$duosim" run "$file" --out "$out/$name.db" >"$out/text" 2>&1
    status=$?
    seconds=$(($(date +%s) - start))
    # Under a minute each, so that all of them are tried; sanitizers are four times slower.
    if [ "$status" -eq 0 ] && [ "$seconds" -le 240 ]; then
        echo "$file: ok, $seconds s"
        passed=$((passed + 1))
    else
        echo "$file: failed: exit $status after $seconds s"
        tail -n 40 "$out/text"
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ] && [ $((passed + skipped)) -gt 0 ]
