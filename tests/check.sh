# check.sh DUOSIM BUILD - duosim check from end to end: the committed baseline holds; what changed is named, what is worse is caught, what is
# another day is not blamed; a baseline that is damaged, or another's, gets one line.
duosim=$(realpath "$1") && build=$(realpath "$2") || exit 2
cd "$(dirname "$0")/.." || exit 2
root=$PWD
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

# due NAME CODE TEXT COMMAND...: its exit code, and something that it prints.
due() {
    name=$1 code=$2 text=$3
    shift 3
    (cd "$work" && exec "$@") >"$work/out" 2>"$work/err" </dev/null
    got=$?
    if [ "$got" -eq "$code" ] && cat "$work/out" "$work/err" | grep -qF -- "$text"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "check, $name: failed: exit $got, want $code and: $text"
        tail -n 12 "$work/out" "$work/err" | sed 's/^/    /'
    fi
}

# one NAME TEXT COMMAND...: exit 2 and one line.
one() {
    name=$1
    shift
    due "$name" 2 "$@"
    [ "$(wc -l <"$work/err")" -eq 1 ] && [ ! -s "$work/out" ] && return
    failed=$((failed + 1))
    echo "check, $name: failed: more than one line"
    head -n 5 "$work/err"
}

# The quick start's own, whatever the network backend.
due committed 0 'gates held' "$duosim" check quickstart --baseline "$root/scenarios/quickstart.baseline"

# A smaller one for what follows.
sed '/^variants:/,/^$/d; /^expect:/,$d; s/requests: 300/requests: 200/' scenarios/quickstart.yaml >"$work/mine.yaml"
b=mine.baseline
due new 0 'written, 7 labels of 1 variant' "$duosim" check mine.yaml --baseline $b --update
cp "$work/$b" "$work/first"
due same 0 'nothing moved' "$duosim" check mine.yaml --baseline $b --jobs 1 --net fluid
due update-same 0 'nothing moved' "$duosim" check mine.yaml --baseline $b --update
if cmp -s "$work/first" "$work/$b"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo 'check, update: failed: the same results, other bytes'; fi

# Other days alone are not blamed; worse is caught, on the same days and, where it is large, on others.
for seeds in 4..6 7..9 10..12 13..18; do
    due "seeds $seeds" 0 'gates held' "$duosim" check mine.yaml --baseline $b --seed $seeds
done
worse='--only cascade --set policies.cascade.floor=0.35 --accept-inputs'
# shellcheck disable=SC2086
due worse 1 'fell short' "$duosim" check mine.yaml --baseline $b $worse --junit check.xml
# shellcheck disable=SC2086
due json 1 '"verdict": "fell short"' "$duosim" check mine.yaml --baseline $b $worse --json
for key in $(sed -n 's/^ *"\([a-z0-9_]*\)":.*/\1/p' "$work/out" | sort -u); do
    if sed 's/\\-/-/g; s/\\f[A-Z]/ /g' doc/duosim.1 | grep -qwF -- "$key"; then passed=$((passed + 1))
    else failed=$((failed + 1)); echo "check, json: failed: doc/duosim.1 doesn't name $key"
    fi
done
# shellcheck disable=SC2086
due shown 0 'better' "$duosim" check mine.yaml --baseline $b --only cascade --set policies.cascade.floor=0.95 --accept-inputs --set check.quality=statistical
due tolerance 1 'fell short' "$duosim" check mine.yaml --baseline $b --accept-inputs --set cells.rtt='400 ms' --set check.e2e_p50='5 %'
due wide 0 'worse, held' "$duosim" check mine.yaml --baseline $b --accept-inputs --set cells.rtt='400 ms' --set check.e2e_p50='9000 %'
due off 0 '0 of 0 gates held' "$duosim" check mine.yaml --baseline $b --accept-inputs --set cells.rtt='400 ms' --set check.e2e_p50=off
if ! command -v xmllint >/dev/null; then
    skipped=$((skipped + 1))
    echo 'check, junit: skipped: xmllint is not here'
elif xmllint --noout "$work/check.xml" && [ "$(xmllint --xpath 'count(//testcase)' "$work/check.xml")" = "$(xmllint --xpath 'string(//testsuite/@tests)' "$work/check.xml")" ] &&
    [ "$(xmllint --xpath 'count(//failure)' "$work/check.xml")" = "$(xmllint --xpath 'string(//testsuite/@failures)' "$work/check.xml")" ] &&
    [ "$(xmllint --xpath 'count(//failure)' "$work/check.xml")" -ge 1 ]; then passed=$((passed + 1))
else failed=$((failed + 1)); echo 'check, junit: failed'; cat "$work/check.xml"
fi

# Two settings of a policy are a curve, and its area is gated.
curve='--only cascade --only c4 --policy cascade:floor=0.4,as=c4'
# shellcheck disable=SC2086
due 'curve' 0 'written' "$duosim" check mine.yaml --baseline curve.baseline --update $curve
# shellcheck disable=SC2086
due 'area' 0 '"figure": "area_dollars"' "$duosim" check mine.yaml --baseline curve.baseline --json $curve

# Inputs: each is named, before anything runs.
one 'a key'       'inputs changed since it was made: cells;' "$duosim" check mine.yaml --baseline $b --set cells.rtt='5 ms'
one 'a place'     'places.cloud;'                  "$duosim" check mine.yaml --baseline $b --set places.cloud.batch=63
one 'a parameter' 'policies.cascade;'              "$duosim" check mine.yaml --baseline $b --set policies.cascade.floor=0.6
one 'a policy'    'policies.race (new);'           "$duosim" check mine.yaml --baseline $b --policy cascade:as=race
one 'answers'     'answers;'                       "$duosim" check mine.yaml --baseline $b --set answers.train=0.4
mkdir "$work/prices"
{ head -n 1 models/catalogue/hardware.csv; grep '^l4,dollars_hour,' models/catalogue/hardware.csv | sed 's/^l4,dollars_hour,[0-9.]*/l4,dollars_hour,0.77/'; } >"$work/prices/hardware.csv"
one 'a price'     'catalogue hardware/l4'          "$duosim" check mine.yaml --baseline $b --catalogue "$work/prices"
sed 's/^name: quickstart/&\nnote: another/; s/^note: texts.*//' "$work/mine.yaml" >"$work/noted.yaml"
due 'a note is no input' 0 'nothing moved' "$duosim" check noted.yaml --baseline $b

# What it is for: a policy of one's own, whose code changes and whose name, parameters and world don't.
# shellcheck disable=SC2016
sed -n '/^```c$/,/^```$/p' README.md | sed '/^```/d' >"$work/own.c"
module() { sed "s/c->tokens = 200;/c->tokens = $1;/; s/DUO_POLICY(mine/DUO_POLICY(own/" "$work/own.c" >"$work/own_$1.c" && ${CC:-cc} -shared -fPIC -I. -o "$work/own.so" "$work/own_$1.c"; }
module 0
due 'own policy' 0 'written' "$duosim" check mine.yaml --policy ./own.so --only own --baseline own.baseline --update
module 100000
due 'own policy, changed' 1 'fell short' "$duosim" check mine.yaml --policy ./own.so --only own --baseline own.baseline
grep -q "^own .* quality .* fell short" "$work/out" || { failed=$((failed + 1)); echo 'check, own policy: failed: quality did not fall short'; cat "$work/out"; }

# Damaged, or another's: one line with file and line.
head -c 3000 "$work/first" >"$work/cut"
sed '0,/^metric quality /s/^metric quality /&0/' "$work/first" >"$work/edited"
sed 's/^duosim baseline 1/duosim baseline 9/' "$work/first" >"$work/other"
sed 's/^name: quickstart/name: theirs/' "$work/mine.yaml" >"$work/theirs.yaml"
one cut      'is cut short'                        "$duosim" check mine.yaml --baseline cut
one edited   "don't add up"                        "$duosim" check mine.yaml --baseline edited
one version  'other:1: is a baseline of another format' "$duosim" check mine.yaml --baseline other
one theirs   "$b:2: is a baseline of scenario quickstart, not of theirs" "$duosim" check theirs.yaml --baseline $b
one 'update of theirs' 'not of theirs'             "$duosim" check theirs.yaml --baseline $b --update
one 'none'   'none.baseline: No such file'         "$duosim" check mine.yaml --baseline none.baseline
one 'no baseline' 'is no baseline of duosim'       "$duosim" check mine.yaml --baseline mine.yaml --update
one 'only'   'would drop the labels'               "$duosim" check mine.yaml --baseline $b --update --only cascade
one 'usage'  'against which baseline?'             "$duosim" check mine.yaml
one 'gate'   'did you mean quality?'               "$duosim" check mine.yaml --baseline $b --set check.qualty=0.1
one 'rule'   'expected off, a tolerance'           "$duosim" check mine.yaml --baseline $b --set check.quality=-0.1
one 'label'  'did you mean cascade?'               "$duosim" check mine.yaml --baseline $b --set check='{cascad.quality: 0.1}'
due 'cut, and made anew' 0 'written' "$duosim" check mine.yaml --baseline cut --update
if cmp -s "$work/first" "$work/cut"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo 'check, made anew: failed: other bytes'; fi

# A run that fails: exit 3, and the baseline stays as it was.
bad=$(find "$build/tests" -name 'bad_nan.so' | head -n 1)
due 'a run fails' 3 'bad_nan' "$duosim" check mine.yaml --baseline $b --accept-inputs --update --policy "$bad" --junit check.xml
if grep -q '<error message=".*bad_nan' "$work/check.xml"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo 'check, a run fails: failed: not in check.xml'; fi
if cmp -s "$work/first" "$work/$b"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo 'check, a run fails: failed: the baseline changed'; fi
left=$(find "$work" -name '*.db*' -o -name '*.baseline.*')
if [ -z "$left" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "check: failed: left behind: $left"; fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
