# neon.sh - the kernels for Arm: built with a cross compiler, run under qemu.  Skipped in words where either is missing.
set -u
cd "$(dirname "$0")/.." || exit 2
for need in aarch64-linux-gnu-gcc qemu-aarch64; do
    command -v "$need" >/dev/null || { echo "neon.sh: skipped: $need is not here"; echo '0 passed, 0 failed, 1 skipped'; exit 0; }
done
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
objects=
for file in models/kernels/*.c sim/base/*.c; do
    [ "$file" = sim/base/jsonl.c ] && continue               # needs a library that isn't here for ARM, and no kernel reads JSON
    object=$work/$(basename "$file" .c).o
    aarch64-linux-gnu-gcc -std=c17 -D_GNU_SOURCE -O2 -ffp-contract=off -I. -c "$file" -o "$object" || failed=$((failed + 1))
    objects="$objects $object"
done
for name in kernels attention; do
    # shellcheck disable=SC2086
    if aarch64-linux-gnu-gcc -std=c17 -D_GNU_SOURCE -O1 -ffp-contract=off -I. "tests/unit/test_$name.c" $objects -static -lm -lpthread -o "$work/$name"; then
        qemu-aarch64 "$work/$name" >"$work/log"
        status=$?
        cat "$work/log"
        # shellcheck disable=SC2046
        set -- $(tail -n 1 "$work/log")
        [ $# -eq 6 ] && passed=$((passed + $1)) failed=$((failed + $3)) skipped=$((skipped + $5))
        [ $status -le 1 ] && [ $# -eq 6 ] || failed=$((failed + 1))
    else
        failed=$((failed + 1))
    fi
done
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
