# record.sh DUOSIM - models that run here, recorded from the command line and replayed.
#
# (1) The same bytes with any number of threads, on any instruction set, over what is there.
# (2) Killed or interrupted, it keeps whole questions; --resume ends with the same bytes.  A full disk: exit 4, the same.
# (3) --resume with other questions, models or options is refused by name; without it, what was begun is not written over.
# (4) Bad questions: file and line.  Other vocabularies: refused in words; --apart records each by itself.
# (5) A scenario replays it, and says what it can't use.  Another version, half a file: one line, exit 2.
# (6) SmolLM2-135M beside them, in its own chat layout, where it is.
# (7) The recording that ships: its first questions, recorded again, are the same rows to the last byte; its meta says how it was made.
duosim=$(realpath "$1") && here=$(realpath "$(dirname "$0")") || exit 2
work=$(mktemp -d) || exit 2
trap 'umount "$work/tiny" 2>/dev/null; rm -rf "$work"' EXIT
cd "$work" || exit 2
passed=0 failed=0 skipped=0

# is NAME CONDITION...
is() {
    name=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "record.sh: failed: $name"; sed 's/^/    /' err | head -n 3; fi
}
skip() { skipped=$((skipped + 1)); echo "record.sh: skipped: $1"; }
one_line() { [ "$(wc -l <err)" -eq 1 ]; }

"$duosim" models make --like tiny-qwen3 --quant q4_0 --out small.gguf >/dev/null || exit 2
"$duosim" models make --like tiny-qwen3 --quant q8_0 --out large.gguf >/dev/null || exit 2
"$duosim" models make --like tiny-llama --quant q8_0 --out other.gguf >/dev/null || exit 2
for q in 1 2 3 4; do printf '{"id":"q%d","prompt":"Question %d?\\n","reference":"a","grading":"contains"}\n' $q $((q * q)); done >tasks.jsonl

record() { "$duosim" record --edge small.gguf --cloud large.gguf --voice cloud@1 --tasks tasks.jsonl --samples 2 --ahead 2 "$@" >out 2>err; }
record --out a.db --threads 1
is '(1) recorded' [ $? -eq 0 ]
is '(1) nothing else is left' [ "$(echo a.db*)" = a.db ]
record --out b.db --threads 3
is '(1) threads' cmp a.db b.db
record --out b.db
is '(1) over what is there' cmp a.db b.db
head -n 1 tasks.jsonl >one.jsonl
for isa in scalar ''; do
    DUOSIM_ISA=$isa "$duosim" record --edge small.gguf --cloud small.gguf --tasks one.jsonl --samples 0 --ahead 1 --out "isa$isa.db" >out 2>err
done
is '(1) instruction set' cmp isa.db isascalar.db

# (2)
record --out k.db & child=$!
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -s k.db.part ] && break; sleep 0.1; done
sleep 0.3
pkill -KILL -P $child 2>/dev/null
kill -KILL $child 2>/dev/null
wait $child 2>/dev/null
if [ -e k.db.part ]; then
    record --out k.db
    is '(3) begun before' grep -q -- '--resume goes on' err
    record --out k.db --resume --samples 3
    is '(3) other options' grep -q 'was recorded with samples 2, not 3' err
    "$duosim" record --edge large.gguf --cloud large.gguf --voice cloud@1 --tasks tasks.jsonl --samples 2 --ahead 2 --out k.db --resume >out 2>err
    is '(3) other models' grep -q 'a voice edge whose digest is' err
    head -n 3 tasks.jsonl >fewer.jsonl
    "$duosim" record --edge small.gguf --cloud large.gguf --voice cloud@1 --tasks fewer.jsonl --samples 2 --ahead 2 --out k.db --resume >out 2>err
    is '(3) other questions' grep -q 'was recorded with questions 4, not 3' err
    record --out k.db --resume
    is '(2) killed, resumed' cmp a.db k.db
else
    skip 'it had ended before it was killed'
fi
(ulimit -f 300 && record --out f.db)
is '(2) no room, exit' [ $? -eq 4 ]
is '(2) no room, one line' one_line
record --out f.db --resume
is '(2) no room, resumed' cmp a.db f.db
mkdir tiny
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=300k duosim tiny 2>/dev/null; then
    record --out tiny/x.db
    is '(2) full disk, exit' [ $? -eq 4 ]
    is '(2) full disk, in words' grep -q 'full.*--resume goes on' err
    mv tiny/x.db.part x.db.part
    record --out x.db --resume
    is '(2) full disk, resumed elsewhere' cmp a.db x.db
    umount tiny
else
    skip 'only root mounts a small disk'
fi

# (4)
printf '{"id":"q1","prompt":"x"}\n' >bad.jsonl
"$duosim" record --edge small.gguf --cloud large.gguf --tasks bad.jsonl --out n.db >out 2>err
is '(4) a field missing, exit' [ $? -eq 2 ]
is '(4) a field missing' grep -q 'bad.jsonl:1.*reference' err
printf '{"prompt":"x","reference":"y"}\n{"prompt":"\377","reference":"y"}\n' >bad.jsonl
"$duosim" record --edge small.gguf --cloud large.gguf --tasks bad.jsonl --out n.db >out 2>err
is '(4) no UTF-8' grep -q 'bad.jsonl:2.*UTF-8' err
: >bad.jsonl
"$duosim" record --edge small.gguf --cloud large.gguf --tasks bad.jsonl --out n.db >out 2>err
is '(4) no questions' grep -q 'no question\|no task' err
"$duosim" record --edge small.gguf --cloud large.gguf --tasks none.jsonl --out n.db >out 2>err
is '(4) no file' grep -q 'none.jsonl' err
"$duosim" record --edge other.gguf --cloud large.gguf --tasks tasks.jsonl --out n.db >out 2>err
is '(4) other words, exit' [ $? -eq 2 ]
is '(4) other words' grep -q 'edge and cloud .*different vocabularies, from token .*--apart' err
is '(4) other words, one line' one_line
is '(4) nothing is left' [ ! -e n.db.part ]
"$duosim" record --edge small.gguf --cloud large.gguf --voice other=other.gguf --apart --tasks one.jsonl --samples 0 --ahead 1 --out apart.db >out 2>err
is '(4) apart' [ $? -eq 0 ]
"$duosim" record --edge small.gguf --cloud large.gguf --voice cloud@9 --tasks tasks.jsonl --out n.db >out 2>err
is '(4) no such layer' grep -q 'layer' err
"$duosim" record --edge small.gguf --cloud large.gguf --voice clod@1 --tasks tasks.jsonl --out n.db >out 2>err
is '(4) no such voice' grep -q 'no voice that runs here is called clod' err
"$duosim" record --edge tasks.jsonl --cloud large.gguf --tasks tasks.jsonl --out n.db >out 2>err
is '(4) no model' grep -q 'tasks.jsonl: is no GGUF file' err

# (5)
cat >run.yaml <<'YAML'
name: replay
arrivals: { process: poisson, rate: 1/s, requests: 30 }
devices:  { count: 4, hardware: pi5, model: llama-3.2-1b, quant: q4_0 }
cells:    { up: 10 Mbit/s, down: 20 Mbit/s, rtt: 40 ms }
places:   [ { name: cloud, hardware: h100-sxm, model: llama-3.1-8b, quant: fp8 } ]
answers:  { recorded: a.db, roles: { device: edge, cloud: cloud } }
policies: [ edge_only, cloud_only, { use: cascade, floor: 0.5 }, { use: draft_verify, draft: 3 }, { use: parallel_draft, draft: 4 } ]
YAML
"$duosim" run run.yaml --out run.db --json >out 2>err
is '(5) replayed' [ $? -eq 0 ]
is '(5) nothing failed' [ "$(grep -c '"failed": 0' out)" -eq 5 ]
is '(5) recorded' [ "$(grep -c '"provenance_quality": "recorded"' out)" -eq 5 ]
"$duosim" run run.yaml --out run.db --set answers.tokens=chars/4 >out 2>err
is '(5) tables only' grep -q 'answers.tokens: is for tables of outcomes; .*a.db is a recording' err
"$duosim" run run.yaml --out run.db --set answers.roles.cloud=clod >out 2>err
is '(5) voices by name' grep -q 'did you mean cloud?' err
head -c 100000 a.db >short.db
"$duosim" run run.yaml --out run.db --set answers.recorded=short.db >out 2>err
is '(5) half a file, exit' [ $? -eq 2 ]
is '(5) half a file, one line' one_line
(head -c 63 a.db; printf '\007'; tail -c +65 a.db) >version.db
"$duosim" run run.yaml --out run.db --set answers.recorded=version.db >out 2>err
is '(5) another version' grep -q 'version.db.*: is a recording of version 7; this program reads version 1' err
"$duosim" run run.yaml --out run.db --set answers.recorded=run.db >out 2>err
is '(5) results are no recording' [ $? -eq 2 ]

# (6)
if "$duosim" models smollm2-135m.gguf >/dev/null 2>&1 || [ -e "${XDG_CACHE_HOME:-$HOME/.cache}/duosim/smollm2-135m.gguf" ]; then
    "$duosim" record --edge small.gguf --cloud large.gguf --voice smollm2=smollm2-135m --apart --tasks one.jsonl --samples 0 --ahead 1 --out s.db >out 2>err
    is '(6) SmolLM2 beside them' [ $? -eq 0 ]
    "$duosim" run run.yaml --out run.db --only cloud_only --set answers.recorded=s.db --set answers.roles.cloud=smollm2 --set answers.train=0 --json >out 2>err
    is '(6) and replayed' [ $? -eq 0 ]
else
    skip 'smollm2-135m.gguf is not here (duosim models fetch smollm2-135m)'
fi

# (7)
cat >same.py <<'PY'
import sqlite3, sys
a, b = (sqlite3.connect(path) for path in sys.argv[1:3])
n = int(sys.argv[3])
for table in "query", "answer", "exits", "rank", "vote", "score", "embedding":
    rows = [d.execute(f"SELECT * FROM {table} WHERE query < {n} ORDER BY 1, 2, 3").fetchall() for d in (a, b)]
    assert rows[0] == rows[1] and len(rows[0]) >= n, (table, len(rows[0]), len(rows[1]), [x for x in zip(*rows) if x[0] != x[1]][:1])
meta = [dict(d.execute("SELECT key, value FROM meta").fetchall()) for d in (a, b)]
differ = {key for key in meta[0] if meta[0][key] != meta[1].get(key)}
assert differ == {"questions", "tasks"}, differ
assert a.execute("SELECT * FROM voice").fetchall() == b.execute("SELECT * FROM voice").fetchall()
PY
ships=$here/../traces/recorded/pair.db
if [ -e "$ships" ] && "$duosim" record --edge pair:edge --cloud pair:cloud --voice ngram=pair:ngram --voice cloud@2 --score router=pair:router.csv \
        --score router_state=pair:router_state.csv --score guard=pair:guard.csv --n 60 --out sample.db >out 2>err; then
    is '(7) its first questions again' python3 same.py sample.db "$ships" 60
    is '(7) 3,000 questions in 8 MB' [ "$(wc -c <"$ships")" -le 8000000 ]
else
    skip "the pair or its recording is not here: $(head -n 1 err)"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
