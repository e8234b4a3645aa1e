# docs.sh DUOSIM [--update] - what the documents say is so.  --update writes the quick start's table and figure anew.
#
# (1) The policy of README.md builds without a warning and runs.
# (2) TEMPLATE.c, copied as its head says, does, too.
# (3) doc/duosim.1 names every subcommand, every long option that --help names, every key of the rows that --json prints.
# (4) The three commands that quickstart.sh ends with run (one seed each), beside what it leaves.
# (5) The table in README.md is what the quick start prints, and its rankings are what --perturb prints.
duosim=$(realpath "$1") || exit 2
cd "$(dirname "$0")/.." || exit 2
root=$PWD
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0

"$duosim" run quickstart --net simgrid --out "$work/quickstart.db" >"$work/table" 2>"$work/log"
# block NAME: what stands in README.md between ```NAME and ```.
block() { sed -n "/^\`\`\`$1\$/,/^\`\`\`\$/p" README.md | sed '/^```/d'; }

# replace NAME FILE: in $work/README.md.
replace() {
    sed -n "1,/^\`\`\`$1\$/p" "$work/README.md" >"$work/README.new"
    cat "$2" >>"$work/README.new"
    sed "1,/^\`\`\`$1\$/d" "$work/README.md" | sed -n '/^```$/,$p' >>"$work/README.new"
    mv "$work/README.new" "$work/README.md"
}

# The command is the README's own.
eval "$(sed -n "s#^    build/duosim run \(quickstart .*--perturb.*\)#'$duosim' run \1 --out '$work/perturbed.db'#p" README.md)" >"$work/perturbed.text" 2>>"$work/log"
sed -n '/^perturbed:/,/^expect:/p' "$work/perturbed.text" | sed '/^expect:/d' >"$work/ranking"
if [ "${2:-}" = --update ]; then
    cp README.md "$work/README.md"
    replace text "$work/table"
    replace ranking "$work/ranking"
    "$duosim" plot "$work/quickstart.db" tradeoff --format svg --out "$work" >/dev/null &&
        cp "$work/README.md" README.md && cp "$work/tradeoff.svg" doc/quickstart.svg
    exit
fi
for name in text ranking; do
    [ $name = text ] && printed=$work/table || printed=$work/ranking
    if [ -s "$printed" ] && block $name | cmp -s - "$printed"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "docs.sh: failed: README.md's $name isn't what the quick start prints: sh tests/docs.sh DUOSIM --update"
        block $name | diff - "$printed" | head -n 10
        cat "$work/log"
    fi
done
flags='-std=c17 -shared -fPIC -Wall -Wextra -Wpedantic -Werror'

# try NAME: build work/NAME.c, run it.
try() {
    # shellcheck disable=SC2086
    if (cd "$work" && ${CC:-cc} $flags -I"$root" -o "$1.so" "$1.c" &&
        "$duosim" run "$root/tests/bad/good.yaml" --policy "./$1.so" --only "$1" --out "$1.db") >"$work/log" 2>&1
    then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "docs.sh: failed: $2"
        tail -n 5 "$work/log"
    fi
}

sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$work/mine.c"
try mine "README.md: its policy builds and runs"
sed s/TEMPLATE/template/g policies/TEMPLATE.c >"$work/template.c"
try template "policies/TEMPLATE.c, copied, builds and runs"

# named NAME WHAT: the man page has it.
named() {
    if sed 's/\\-/-/g; s/\\f[A-Z]/ /g' doc/duosim.1 | grep -qwF -- "$1"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "docs.sh: failed: doc/duosim.1 doesn't name $1 of $2"
    fi
}

for command in $("$duosim" --help | sed -n '/^Commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    named "$command" duosim
    for option in $("$duosim" "$command" --help | sed -n 's/^  .*\(--[a-z-]*\).*/\1/p'); do
        named "$option" "duosim $command"
    done
done
sed -n "/<<'TEXT'/,/^TEXT/s/^  //p" quickstart.sh |
    sed "s# build/duosim# '$duosim'#g; s#^build/duosim#'$duosim'#; s#duosim' run [a-z.]*#& --seed 1#; s# policies/# $root/policies/#; s#-I\.#-I$root#" >"$work/next"
mkdir "$work/quickstart"                 # its figures: a folder of that name must not hide the scenario
while read -r line; do
    if (cd "$work" && sh -c "$line") >"$work/log" 2>&1 </dev/null; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "docs.sh: failed: $line"
        tail -n 5 "$work/log"
    fi
done <"$work/next"
for key in $("$duosim" table "$work/mine.db" --json | sed -n 's/^ *"\([a-z0-9_]*\)":.*/\1/p' | grep -v '^low_\|^high_' | sort -u); do
    named "$key" "duosim table --json"
done
"$duosim" estimate --model llama-3.1-8b --hardware l4 --quant fp8 --json >"$work/estimate"
for key in $(sed -n 's/^ *"\([a-z0-9_]*\)":.*/\1/p' "$work/estimate" | sort -u); do
    named "$key" "duosim estimate --json"
done
# What others read by name.
for key in model hardware quant prompt output batch prefill_s ttft_s itl_s decode_tokens_per_s throughput_tokens_per_s joules joules_per_output_token \
           dollars memory weights kv activations total capacity bound prefill decode provenance; do
    if grep -q "^ *\"$key\":" "$work/estimate"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "docs.sh: failed: duosim estimate --json has no $key"
    fi
done
echo "$passed passed, $failed failed, 0 skipped"
[ "$(wc -l <"$work/next")" -eq 3 ] && [ "$failed" -eq 0 ] && [ "$passed" -gt 60 ]
