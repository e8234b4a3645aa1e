# run.sh DUOSIM TIMED [PROGRAM...] - how fast, how much memory: printed, never asserted.  `ninja bench` calls it.
# Every scenarios/bench/*.yaml (on the backends its line "# bench: simgrid fluid" names), then every bench program.
duosim=$1 timed=$2
shift 2
cd "$(dirname "$0")/../.." || exit 2
out=$(mktemp -d) || exit 2
trap 'rm -rf "$out"' EXIT
worst=0

# one TITLE COMMAND...
one() {
    title=$1
    shift
    "$timed" "$@" >"$out/text" 2>"$out/took"
    status=$?
    printf '%-28s %s\n' "$title" "$(tail -n 1 "$out/took")"
    [ "$status" -eq 0 ] && return
    worst=1
    echo "    exit $status"
    sed '$d' "$out/took" | tail -n 5 | sed 's/^/    /'
}

for file in scenarios/bench/*.yaml; do
    [ -f "$file" ] || continue
    if grep -q '^[^#]*DUOSIM_DATA' "$file" && [ -z "${DUOSIM_DATA:-}" ]; then
        printf '%-28s needs real data, and DUOSIM_DATA is not set: skipped\n' "$(basename "$file" .yaml)"
        continue
    fi
    if grep -q '^ *executed: { n:' "$file" && [ ! -e "$(dirname "$duosim")/models/pair/cloud-q8_0.gguf" ]; then
        printf '%-28s the pair is not in this tree: skipped\n' "$(basename "$file" .yaml)"
        continue
    fi
    backends=$(sed -n 's/^# bench: *//p' "$file")
    for net in ${backends:-auto}; do
        one "$(basename "$file" .yaml) $net" "$duosim" run "$file" --net "$net" --jobs 1 --out "$out/bench.db"
    done
done
for program in "$@"; do
    one "$(basename "$program")" "$program"
    sed 's/^/    /' "$out/text"
done
exit "$worst"
