#!/bin/sh
# run.sh BUILD_DIR [--update] - policies over a pipe (policies/PIPE.md).
#
# (1) The same decisions give the same bytes, whether a policy is built in, a module, or a program: cascade, draft_verify, and
#     one that asks all that can be asked; on both networks.
# (2) A program that breaks the protocol or its contract fails its run alone, by name, with the line that did it.
# (3) What is wrong before the first run is bad input, at the policy's place in the scenario.
# (4) Whoever is killed, at whatever moment: no process stays, and a database is there whole or not at all.
# (5) What it prints on stderr reaches ours, line by line, with its label, and not without end.
# (6) The transcript in PIPE.md is what both sides say.  --update writes it anew.
# (7) The module for Python: rows for notebooks, and errors in words.
# What needs python3 is skipped in words without it.
set -u
build=$(cd "$1" && pwd)
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
duosim=$build/duosim
dump=$build/tests/conformance/dump
base=$root/tests/conformance/base.yaml
python=$root/policies/python
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0
PYTHONDONTWRITEBYTECODE=1
ASAN_OPTIONS=${ASAN_OPTIONS:-}:detect_odr_violation=0     # the built-in cascade again as a module is meant
export PYTHONDONTWRITEBYTECODE ASAN_OPTIONS

ok()   { passed=$((passed + 1)); }
bad()  { failed=$((failed + 1)); echo "failed: $*"; }
want() { if [ "$1" = "$2" ]; then ok; else bad "$3: got '$1', want '$2'"; fi; }

nets=fluid
"$duosim" --version | grep -qi simgrid && nets="fluid simgrid"

# decides POLICY NET OUT [--set ...]: the rows that one policy leads to.
decides() {
    policy=$1 net=$2 out=$3; shift 3
    "$duosim" run "$base" --set "policies=[$policy]" --net "$net" --out "$work/d.db" "$@" >/dev/null 2>"$work/err" ||
        { bad "$policy on $net: $(tail -n 2 "$work/err")"; return; }
    "$dump" "$work/d.db" | grep -E '^(request|server|link|device|reason)\|' >"$out"
}
same() {                        # WHAT POLICY POLICY [--set ...]
    what=$1 one=$2 other=$3; shift 3
    for net in $nets; do
        decides "$one" "$net" "$work/one" "$@"
        decides "$other" "$net" "$work/other" "$@"
        if [ -s "$work/one" ] && cmp -s "$work/one" "$work/other"; then ok; else bad "$what on $net: $(diff "$work/one" "$work/other" | head -n 2)"; fi
    done
}

# ---- (1)
same 'a pipe in shell' 'edge_only' "{ pipe: [sh, $here/plain.sh] }"
same 'a module' '{ use: cascade, floor: 0.6 }' "{ use: $build/tests/conformance/cascade.so, floor: 0.6 }"
hostile='cells.outages=[{from: 1 s, to: 2 s}, {from: 3 s, to: 8 s}]'
if command -v python3 >/dev/null 2>&1; then have_python=yes; else have_python=no; fi
if [ $have_python = yes ]; then
    same 'cascade in Python'      '{ use: cascade, floor: 60 %, patience: 500 ms }' "{ pipe: [python3, $python/cascade.py], floor: 60 %, patience: 500 ms }" --set "$hostile"
    same 'three tiers in Python'  '{ use: cascade, via: edge, via_floor: 0.7, signal: entropy, seat: gateway }' "{ pipe: [python3, $python/cascade.py], via: edge, via_floor: 0.7, signal: entropy, seat: gateway }"
    same 'draft_verify in Python' '{ use: draft_verify, draft: 5 }' "{ pipe: [python3, $python/draft_verify.py], draft: 5 }"
    same 'fallback in Python'     '{ use: draft_verify, fallback: edge }' "{ pipe: [python3, $python/draft_verify.py], fallback: edge }" --set "$hostile"
    for seat in device gateway; do
        same "all that can be asked, at the $seat" "{ use: $build/tests/conformance/calls.so, share: 0.3, seat: $seat }" "{ pipe: [python3, $here/calls.py], share: 0.3, seat: $seat }" \
            --set answers.synthetic.sessions=2 --set 'arrivals.think=1 s' --set 'feedback={share: 60 %, delay: 1 s}' --set devices.phone.count=3
    done
fi

# ---- (2)
breaks() {                      # MODE WORDS...: all of them in the reason
    mode=$1; shift
    timeout 60 "$duosim" run "$base" --seed 1 --set arrivals.requests=20 --only edge_only --only b --policy "pipe:python3 $here/bad.py $mode,as=b" --net fluid \
        --out "$work/b.db" >"$work/out" 2>"$work/err"; rc=$?
    if [ $rc -ne 3 ]; then bad "$mode: exit $rc, want 3: $(tail -n 2 "$work/err")"; return; fi
    reason=$("$dump" --value "$work/b.db" "SELECT reason FROM run WHERE label = 'b' AND state = 'failed'")
    want "$("$dump" --value "$work/b.db" "SELECT state FROM run WHERE label = 'edge_only'")" 'done' "$mode: the other run"
    for word in "policy b: " "$@"; do
        case $reason in *"$word"*) ok ;; *) bad "$mode: its row does not say \"$word\": $reason" ;; esac
    done
}
if [ $have_python = yes ]; then
    breaks garbage  'not a line of JSON' 'thinking ...'
    breaks number   'expected a JSON object' ': 7'
    breaks cut      'not a line of JSON' '{"steps":['
    breaks infinite 'not a line of JSON' 'NaN'
    breaks large    'not a line of JSON' '1e999'
    breaks twice    'not a line of JSON' 'duplicate'
    breaks both     'one of answer, give_up and ask'
    breaks key      'unknown key "anwser"' 'did you mean answer?' '{"anwser":1}'
    breaks step     'unknown step "wrte"' 'did you mean write?' '{"wrte":'
    breaks missing  'write: from is missing'
    breaks type     'write: at: expected a whole number' '"cloud"'
    breaks fraction 'write: at: expected a whole number'
    breaks text     'text 99, which does not exist' '{"answer":99}'
    breaks place    'place 77, which does not exist' '"at":77'
    breaks scorer   'scorer 5, which does not exist'
    breaks cancel   'step 50, which was never asked for'
    breaks idle     'asked for nothing'
    breaks truth    'truth without declaring it'
    breaks ask      'unknown question "weather"'
    breaks late     'text 9, which does not exist'
    breaks dies     'exit code 1' 'no such feature'
    breaks exits    'exit code 7'
    breaks killed   'was killed'
    breaks crash    'crashed (SIGSEGV)'
    breaks closes   'closed its output'
    breaks hangs    'no answer from its program for 0.3 s'
    breaks floods   'more than 1048576 bytes' 'xxxx'
    breaks lines    'more than one line'
    breaks last     'more than one line'
fi

# ---- (3)
refused() {                     # WORDS PARAMETERS-OF-THE-COMMAND [KEYS]: exit 2, before anything ran
    words=$1 command=$2 keys=${3:-}
    sed '/^policies:/,$d' "$base" >"$work/refused.yaml"
    printf 'policies:\n  - edge_only\n  - { pipe: %s, as: b%s }\n' "$command" "$keys" >>"$work/refused.yaml"
    line=$(($(wc -l <"$work/refused.yaml")))
    rm -f "$work/r.db"
    timeout 60 "$duosim" run "$work/refused.yaml" --out "$work/r.db" >"$work/out" 2>"$work/err"; rc=$?
    if [ $rc -eq 2 ] && [ ! -e "$work/r.db" ]; then ok; else bad "$command: exit $rc, want 2"; fi
    for word in "refused.yaml:$line:" 'b: ' "$words"; do
        if grep -qF "$word" "$work/err"; then ok; else bad "$command: does not say \"$word\": $(tail -n 1 "$work/err")"; fi
    done
}
refused 'no such program'                   '[no_such_program_here]'
refused 'unknown parameter'                 "[sh, $here/plain.sh]" ', floor: 0.5'
if [ $have_python = yes ]; then
    refused 'not a line of JSON'            "[python3, $here/bad.py, start_garbage]"
    refused 'did you mean seat?'            "[python3, $here/bad.py, start_key]"
    refused 'device or gateway'             "[python3, $here/bad.py, start_seat]"
    refused 'got confidense'                "[python3, $here/bad.py, start_need]"
    refused 'think'                         "[python3, $here/bad.py, start_think]"
    refused 'expected {"policy":{...}}'     "[python3, $here/bad.py, start_steps]"
    refused 'unknown question "nummber"'    "[python3, $here/bad.py, start_ask]"
    refused 'floor: expected something else' "[python3, $here/bad.py, start_refuse]" ', floor: 0.5'
    refused 'no weights here'               "[python3, $here/bad.py, start_dies]"
    refused "can't open file"               '[python3, not_there.py]'
    refused 'did you mean floor?'           "[python3, $python/cascade.py]" ', flor: 0.5'
    refused 'floor: expected a value from 0 to 1' "[python3, $python/cascade.py]" ', floor: 1.5'
    refused 'there is no place "cluod" (did you mean cloud?)' "[python3, $python/cascade.py]" ', strong: cluod'
    refused 'draft: expected a whole number' "[python3, $python/draft_verify.py]" ', draft: 1.5'
    refused 'signal: expected mean, min'    "[python3, $python/cascade.py]" ', signal: average'
fi

# A scenario's program runs in the scenario's folder, one of the command line where we are.
mkdir -p "$work/far/near"
cp "$here/plain.sh" "$work/far/near/mine.sh"
sed '/^policies:/,$d' "$base" >"$work/far/far.yaml"
printf 'policies:\n  - { pipe: [sh, near/mine.sh] }\n' >>"$work/far/far.yaml"
(cd "$work" && "$duosim" run far/far.yaml --seed 1 --out near.db && cd far/near && "$duosim" run ../far.yaml --seed 1 --policy 'pipe:sh mine.sh,as=here' --out here.db) >"$work/out" 2>&1
want "$("$dump" --value "$work/far/near/here.db" "SELECT group_concat(label || ' ' || name || ' ' || state, ', ') FROM run")" \
    'mine pipe:sh near/mine.sh done, here pipe:sh mine.sh done' 'folders and labels'

# ---- (5)
if [ $have_python = yes ]; then
    "$duosim" run "$base" --seed 1 --set arrivals.requests=200 --only b --policy "pipe:python3 $here/bad.py words,as=b" --net fluid --out "$work/w.db" >"$work/out" 2>"$work/err"
    want "$?" 0 'words on stderr'
    want "$(grep -c '^b, seed 1: word ' "$work/err")" 65 'lines of 1,000 bytes in 64 KiB'
    want "$(grep -c '^b, seed 1: (more was printed' "$work/err")" 1 'the rest is left out, in words'
fi

# ---- (4)
marked() { grep -lsaF "DUOSIM_TEST_MARK=$work" /proc/[0-9]*/environ 2>/dev/null | wc -l; }
gone() {                        # WHAT: no process with our mark is left within 3 s
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15; do
        [ "$(marked)" -eq 0 ] && { ok; return; }
        sleep 0.2
    done
    bad "$1: $(marked) processes are left"
}
mkdir -p "$work/marked"
# It starts a process of its own that would stay, and takes its time.
cat >"$work/marked/slow.sh" <<'TEXT'
(trap '' TERM INT HUP; exec sleep 1000) &
while IFS= read -r line; do
    case $line in
    *'"duosim_pipe"'*) echo $$ >>"${0%/*}/pids"; echo '{"policy":{}}' ;;
    *'"kind":"arrived"'*) sleep 0.05; echo '{"steps":[{"write":{"at":0,"from":1,"show":true}}]}' ;;
    *) text=${line#*'"text":'}; echo "{\"answer\":${text%%,*}}" ;;
    esac
done
sleep 1000
TEXT
start() {                       # runs in the background; its pid in $run
    rm -f "$work/marked/pids" "$work/k.db"
    DUOSIM_TEST_MARK=$work "$duosim" run "$base" --seed 1 --set arrivals.requests=100 --only edge_only --only slow --jobs 2 --policy "pipe:sh $work/marked/slow.sh,as=slow" --net fluid \
        --out "$work/k.db" >"$work/out" 2>"$work/err" &
    run=$!
    waited=0
    until [ "$(cat "$work/marked/pids" 2>/dev/null | wc -l)" -ge "${1:-2}" ] || [ $waited -ge 100 ]; do sleep 0.1; waited=$((waited + 1)); done
}
for delay in 0 0.1 0.3; do
    start 2; sleep $delay
    kill -KILL $run; wait $run 2>/dev/null
    gone "duosim killed after $delay s"
    if [ ! -e "$work/k.db" ]; then ok; else bad 'a killed duosim left a database'; fi
done
start 1                         # while it only checks
kill -KILL $run; wait $run 2>/dev/null
gone 'duosim killed early'
start 2
kill -TERM $run; wait $run; rc=$?
want $rc 130 'duosim terminated'
gone 'duosim terminated'
if [ ! -e "$work/k.db" ]; then ok; else bad 'a terminated duosim left a database'; fi
start 2
kill -KILL "$(tail -n 1 "$work/marked/pids")"
wait $run; rc=$?
want $rc 3 'its program killed'
gone 'its program killed'
want "$("$dump" --value "$work/k.db" "SELECT group_concat(label || ' ' || state, ', ') FROM run")" 'edge_only done, slow failed' 'a database whole'

# ---- (6)
if [ $have_python = yes ]; then
    "$duosim" run "$here/transcript.yaml" --set "policies=[{ pipe: [python3, $here/record.py, $work/said, python3, $python/cascade.py], as: mine, floor: 70 % }]" --net fluid \
        --out "$work/t.db" >"$work/out" 2>"$work/err" || bad "transcript: $(cat "$work/err")"
    if [ "${2:-}" = --update ]; then python3 "$here/transcript.py" --update "$root/policies/PIPE.md" "$work/said"; exit; fi
    if python3 "$here/transcript.py" "$root/policies/PIPE.md" "$work/said" python3 "$python/cascade.py" >"$work/out" 2>&1; then ok; else bad "transcript: $(cat "$work/out")"; fi
fi

# ---- (7)
if [ $have_python = yes ]; then
    if PYTHONPATH=$python DUOSIM=$duosim python3 "$here/notebook.py" "$base" "$python" "$work" >"$work/out" 2>&1; then
        passed=$((passed + $(tail -n 1 "$work/out")))
    else
        bad "the module for Python: $(tail -n 5 "$work/out")"
    fi
    for document in README.md policies/python/README.md; do                  # its first policy in Python runs
        mkdir -p "$work/shown"
        sed -n '/^```python$/,/^```$/{//d;p}' "$root/$document" | sed '/^serve(/q' >"$work/shown/mine.py"
        if "$duosim" run "$base" --seed 1 --only mine --policy "pipe:python3 $work/shown/mine.py" --out "$work/m.db" >"$work/out" 2>&1; then ok; else bad "$document: $(cat "$work/out")"; fi
    done
else
    echo "python3 is not here: policies in Python are skipped"
    skipped=$((skipped + 1))
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
