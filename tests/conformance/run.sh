#!/bin/sh
# Every policy over hostile worlds: no run fails, every request is accounted for, the same bytes twice and with
# any number of workers, on both networks.  Then policies that break the contract: each fails alone, by name.
# Usage: run.sh BUILD_DIR
set -u
build=$1
here=$(dirname "$0")
duosim=$build/duosim
dump=$build/tests/conformance/dump
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
passed=0 failed=0 skipped=0

ok()  { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "failed: $*"; }

# a capacity that is zero for seconds: 2 s at full rate, 3 s of nothing (one integer a packet, in ms)
awk 'BEGIN { for (i = 1; i <= 1000; i++) print i * 2; print 5000 }' > "$work/zero.trace"
# outcomes whose confidences are missing for every second question
awk 'BEGIN { print "query_id,prompt_tokens,weak|score,weak|tokens,weak|confidence,strong|score,strong|tokens,strong|confidence,split";
             for (i = 0; i < 80; i++) printf "q%d,%d,%d,%d,%s,%d,%d,%s,%s\n", i, 40 + i, (i % 2), 20 + i % 50, (i % 2 ? "" : "0.7"), (i % 3 > 0), 30 + i % 40, i % 2 ? "" : "0.9", i < 20 ? "train" : "test" }' > "$work/nan.csv"
sed "s#^answers:#answers:\n  recorded: $work/nan.csv\n  format: duosim\nold:#" "$here/base.yaml" |
awk '/^old:/ { skip = 1; print "  fill: { agreement: { acceptance: 0.7 }, exits: { floor: 0.3 }, scores: { auc: 0.7 } }"; print "  roles: { device: weak, small: weak, edge: weak, cloud: strong }"; next } /^policies:/ { skip = 0 } !skip' > "$work/nan.yaml"

# Pipe policies meet the same worlds, and come to the same rows as those built in.
pipes=
if command -v python3 >/dev/null 2>&1; then
    python=$(cd "$here/../../policies/python" && pwd)
    pipes=yes
else
    echo "python3 is not here: pipe policies in Python are skipped"
    skipped=$((skipped + 1))
fi
twins() {                       # LABEL LABEL: requests that differ
    sql="SELECT (SELECT count(*) FROM (SELECT * FROM a EXCEPT SELECT * FROM b)) + (SELECT count(*) FROM (SELECT * FROM b EXCEPT SELECT * FROM a))"
    rows="SELECT p.seed, $rest FROM request q JOIN run p ON p.id = q.run WHERE p.label ="
    "$dump" --value "$work/a.db" "WITH a AS ($rows '$1'), b AS ($rows '$2') $sql"
}

world() {                       # NAME FILE [--set ...]: runs twice on each network
    name=$1 file=$2; shift 2
    [ -n "$pipes" ] && set -- "$@" --policy "pipe:python3 '$python/cascade.py',as=cascade_py,floor=0.6,patience=2 s" \
                                   --policy "pipe:python3 '$python/draft_verify.py',as=draft_verify_py,draft=4"
    for net in $nets; do
        "$duosim" run "$file" "$@" --net $net --jobs 1 --out "$work/a.db" >"$work/out" 2>"$work/err"; rc=$?
        if [ $rc -ne 0 ]; then bad "$name on $net: exit $rc: $(tail -n 3 "$work/err")"; continue; fi
        "$duosim" run "$file" "$@" --net $net --jobs 4 --out "$work/b.db" >/dev/null 2>&1
        "$dump" "$work/a.db" >"$work/a.txt" && "$dump" "$work/b.db" >"$work/b.txt"
        if cmp -s "$work/a.txt" "$work/b.txt"; then ok; else bad "$name on $net: other bytes with 4 workers"; fi
        if grep -q '^run|' "$work/a.txt" && awk -F'|' -v c="$columns" '
            BEGIN { split(c, name, " "); for (i in name) at[name[i]] = i + 1 }
            /^run\|/ { if ($at["state"] != "done" || $at["requests"] != $at["answered"] + $at["failed"] + $at["pending"]) exit 1 }' "$work/a.txt"
        then ok; else bad "$name on $net: a run is missing, failed, or has lost requests"; fi
        [ -n "$pipes" ] || continue
        if [ "$name" = timeouts ]; then labels=draft_verify; else labels='cascade draft_verify'; fi      # there, that cascade has another patience
        for label in $labels; do
            if [ "$(twins $label ${label}_py)" = 0 ]; then ok; else bad "$name on $net: ${label}_py decides otherwise: $(twins $label ${label}_py) rows"; fi
        done
    done
}

nets=fluid
"$duosim" --version | grep -qi simgrid && nets="fluid simgrid"
columns=$("$duosim" run "$here/base.yaml" --set arrivals.requests=1 --seed 1 --net fluid --out "$work/c.db" >/dev/null 2>&1; "$dump" --columns "$work/c.db" run)
rest=$("$dump" --columns "$work/c.db" request | sed 's/^run /q./; s/ *$//; s/ /, q./g')

world quiet          "$here/base.yaml"
world dead_link      "$here/base.yaml" --set 'cells.outages=[{from: 3 s, to: never}]'
world flapping_link  "$here/base.yaml" --set 'cells.outages=[{from: 1 s, to: 2 s}, {from: 3 s, to: 8 s}, {from: 9 s, to: 9.5 s, cell: 1}, {from: 4 s, to: 5 s, wan: true}]'
world zero_bandwidth "$here/base.yaml" --set "cells.up={trace: $work/zero.trace, format: mahimahi, offset: random}"
world burst          "$here/base.yaml" --set arrivals.process=at_once
world one_token      "$here/base.yaml" --set answers.synthetic.voices.weak.length=1 --set answers.synthetic.voices.strong.length=1 --set answers.synthetic.voices.middle.length=1
world nan_confidence "$work/nan.yaml"
world battery_0      "$here/base.yaml" --set 'devices.phone.battery=0 J'
world battery_dies   "$here/base.yaml" --set 'devices.phone.battery=20 J'
world one_slot       "$here/base.yaml" --set places.cloud.batch=1 --set places.cloud.replicas=1
world kv_too_small   "$here/base.yaml" --set places.cloud.kv_tokens=150 --set places.small.kv_tokens=150
world timeouts       "$here/base.yaml" --set 'policies.cascade.patience=1 ms' --set 'policies.hedged.patience=1 ms' --set places.cloud.batch=1
world no_requests    "$here/base.yaml" --set arrivals.requests=0
world cut_short      "$here/base.yaml" --set 'until=4 s'
world jitter         "$here/base.yaml" --set 'cells.jitter=30 ms' --set 'transport.trips=2'
world transport      "$here/base.yaml" --set 'transport={protocol: tls1.3, idle: 2 s, window: 10, timeout: 200 ms, queue: fifo}' --set 'cells.loss=2 %' --set 'cells.rtt=lognormal(40 ms, 0.5)'
world tired          "$here/base.yaml" --set 'devices.phone.battery=40 J' --set 'devices.phone.charge=1 W' --set 'devices.phone.background=30 %' --set 'devices.phone.load=cold' --set 'devices.phone.load_time=2 s'
world sessions       "$here/base.yaml" --set answers.synthetic.sessions=3 --set 'arrivals.think=2 s' --set places.cloud.kv_tokens=3000
world spoken         "$here/base.yaml" --set 'arrivals.speech=40/s' --set arrivals.prefill=as_spoken --set answers.synthetic.sessions=2 --set 'arrivals.think=2 s'
world thinking       "$here/base.yaml" --set 'answers.synthetic.voices.strong.thinking=uniform(20, 400)' --set answers.synthetic.voices.weak.thinking=30 --set places.cloud.kv_tokens=1500
world api            "$here/base.yaml" --set places.cloud.site=api --set places.cloud.model=gpt-4-1106-preview --set places.cloud.hardware= \
      --set places.cloud.quant= --set places.cloud.replicas= --set places.cloud.batch= --set 'places.cloud.ttft=lognormal(0.5 s, 0.6)' \
      --set 'places.cloud.rate=lognormal(70/s, 0.4)' --set places.cloud.limit=90/min --set places.cloud.burst=3 --set 'places.cloud.errors=10 %' --set places.cloud.retries=2
world scaling        "$here/base.yaml" --set places.cloud.replicas=1..4 --set places.cloud.batch=2 --set 'places.cloud.cold_start=3 s' --set places.cloud.scale_up=1 --set 'places.cloud.scale_down=2 s' --set money=reserved
world preempted      "$here/base.yaml" --set arrivals.process=at_once --set answers.synthetic.sessions=2 --set 'arrivals.think=1 s' --set places.cloud.kv_tokens=700 --set places.edge.kv_tokens=500 --set places.cloud.scheduling=priority --set devices.board.priority=1 --set places.cloud.balancer=power_of_two --set places.cloud.chunk=64

# ---- policies that break the contract: each fails alone and by name, the others finish
modules=$(cd "$build/tests/conformance" && pwd)
breaks() {                      # MODULE WORDS
    "$duosim" run "$here/base.yaml" --seed 1 --set arrivals.requests=20 --only edge_only --only "$1" --policy "$modules/$1.so" --net fluid --out "$work/m.db" >"$work/out" 2>"$work/err"; rc=$?
    if [ $rc -ne 3 ]; then bad "$1: exit $rc, want 3: $(tail -n 2 "$work/err")"; return; fi
    "$dump" "$work/m.db" | grep '^run|' >"$work/runs"
    if grep -q '|edge_only|.*|done|' "$work/runs"; then ok; else bad "$1: edge_only did not finish"; fi
    if grep -q "$2" "$work/runs" && grep '|failed|' "$work/runs" | grep -q "$1"; then ok; else bad "$1: its row does not say \"$2\": $(grep failed "$work/runs")"; fi
}
breaks bad_nan     'out of range'
breaks bad_text    'does not exist'
breaks bad_loop    'more than'
breaks bad_idle    'asked for nothing'
breaks bad_retract 'does not begin with what it has shown'
breaks bad_late    'after the end'
breaks bad_liar    'truth'
breaks bad_tick    'after the end'
breaks bad_crash   'SIGSEGV'
breaks bad_hang    'CPU'

"$duosim" run "$here/base.yaml" --seed 1 --only edge_only --only spy --policy "$modules/spy.so" --net fluid --out "$work/s.db" >"$work/out" 2>"$work/err"
if [ $? -eq 0 ] && ! "$dump" "$work/s.db" | grep '^reason|' | grep -qE 'future|younger|without an age|negative|outside'; then ok
else bad "a view knows too much: $("$dump" "$work/s.db" | grep '^reason|')"; fi

# feedback and ticks reach the seats they belong to
calls() {                       # SEAT SHARE: how many requests the learner sent to the cloud
    "$duosim" run "$here/base.yaml" --seed 1 --set devices.phone.count=2 --set devices.board.count=1 --set "feedback={share: $2, delay: 1 s}" --only learner \
        --policy "$modules/learner.so:seat=$1" --net fluid --json --out "$work/l.db" 2>"$work/err" | tr ',' '\n' | grep '"cloud_share"' | grep -o '[0-9.]*$'
}
for seat in device gateway; do
    some=$(calls $seat '100 %') none=$(calls $seat 0)
    case $none,$some in
    0,0.[1-9]*) ok ;;
    *) bad "learner at the $seat: cloud share '$none' without feedback, '$some' with: $(cat "$work/err")" ;;
    esac
done

# ---- what is in flight when a policy acts: nothing waits for ever, nothing shown is lost, what was done is paid
outages='cells.outages=['
for i in 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19; do outages="$outages{from: $((2 + 8 * i)) s, to: $((6 + 8 * i)) s}, "; done
outages="${outages%, }]"
flight() {                      # WHAT SQL WANT MODE,PARAMETERS [--set ...]
    what=$1 sql=$2 want=$3 mode=$4; shift 4
    "$duosim" run "$here/base.yaml" --seed 1 --only waiter --policy "$modules/waiter.so:mode=$mode" --net fluid --out "$work/w.db" "$@" >"$work/out" 2>"$work/err"; rc=$?
    got=$("$dump" --value "$work/w.db" "$sql")
    if [ $rc -eq 0 ] && [ "$got" = "$want" ]; then ok; else bad "$what: exit $rc, got '$got', want '$want': $(tail -n 2 "$work/err")"; fi
}
flight 'a stream whose end was lost ends the request' 'SELECT pending = 0 AND seconds < 1000 FROM run' 1 stream,wait=8,seat=gateway --set 'cells.down=40 kbit/s' --set "$outages"
flight 'a chunk that comes after the cancel is not on the screen' 'SELECT count(*) > 0 AND min(ttft) > 0.1 FROM request WHERE status = 0' 1 recall,wait=0.06
flight 'shown parts of a cancelled split bind' "SELECT count(*) > 0 FROM reason WHERE text LIKE 'does not begin%'" 1 split,wait=3,at=small
flight 'patience ends at the seat' "SELECT count(*) FROM reason WHERE text = 'told after its patience'" 0 patience,wait=0.06
flight 'a cancelled score is paid' 'SELECT min(joules_cloud) > 0 AND min(wasted_joules) > 0 FROM request' 1 score,wait=0.9 --set 'answers.scorers={router: {seconds: 1 s}}'
flight 'flows that failed are on both books' 'SELECT abs((SELECT sum(bytes_up) FROM request) - (SELECT sum(bytes) FROM link WHERE name LIKE "cell%.up")) < 1' 1 split,wait=30,at=small --set 'until=9 s' --set 'cells.outages=[{from: 2 s, to: 7 s}]'
flight 'many at once, most called off' 'SELECT answered = requests FROM run' 1 crowd

echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
