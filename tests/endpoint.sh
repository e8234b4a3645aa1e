# endpoint.sh DUOSIM - models behind servers, recorded from the command line; the server is tests/unit/endpoint_stub.py.
#
# (1) Edge behind one kind of server drafts for cloud behind another: ranks are those of the server's rule, the same as between two
#     of one kind; the same replies, the same bytes.
# (2) A server that fails in the middle: one line, exit 3; what is recorded stays; --resume ends with the same bytes.
# (3) Other vocabularies, no ranks, models here and behind a server: refused in words, exit 2; --apart records each by itself.
# (4) The key reaches its server alone and is in no file.
# (5) A server that is not there, one that knows no such model: exit 3, exit 2, one line, nothing left behind.
# (6) A scenario replays it.
duosim=$(realpath "$1") && here=$(realpath "$(dirname "$0")") || exit 2
work=$(mktemp -d) || exit 2
passed=0 failed=0
unset DUOSIM_EDGE_KEY DUOSIM_CLOUD_KEY

"$duosim" record --edge http://127.0.0.1:9 --cloud http://127.0.0.1:9 --out "$work/x.db" 2>&1 | grep -q 'no libcurl' && without='this build has no libcurl'
command -v python3 >/dev/null || without='python3 is not here: no server to ask'
if [ -n "${without:-}" ]; then
    echo "endpoint.sh: skipped: $without"
    echo '0 passed, 0 failed, 1 skipped'
    rm -rf "$work"
    exit 0
fi
mkfifo "$work/in"
python3 "$here/unit/endpoint_stub.py" <"$work/in" >"$work/port" &
stub=$!
exec 3>"$work/in"
trap 'exec 3>&-; kill $stub 2>/dev/null; rm -rf "$work"' EXIT
for i in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do [ -s "$work/port" ] && break; sleep 0.5; done
at=http://127.0.0.1:$(cat "$work/port")
cd "$work" || exit 2

# is NAME CONDITION...
is() {
    name=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "endpoint.sh: failed: $name"; sed 's/^/    /' err | head -n 3; fi
}
record() { "$duosim" record --no-chat --samples 2 --tasks tasks.jsonl "$@" >out 2>err; }
one_line() { [ "$(wc -l <err)" -eq 1 ]; }

for q in '12+3=?' '7+8=?' '12+34=?' 'a b c'; do printf '{"prompt":"%s\\n","reference":"ok","grading":"contains"}\n' "$q"; done >tasks.jsonl

record --edge "$at/llama/v1#small" --cloud "$at/vllm/v1" --out a.db
is '(1) llama.cpp for vllm' [ $? -eq 0 ]
record --edge "$at/vllm/v1#small" --cloud "$at/llama/v1" --out b.db
is '(1) vllm for llama.cpp' [ $? -eq 0 ]
record --edge "$at/llama/v1#small" --cloud "$at/vllm/v1" --out again.db
is '(1) the same bytes' cmp a.db again.db
cat >look.py <<'PY'
import sqlite3, sys
a, b = sqlite3.connect("a.db"), sqlite3.connect("b.db")
def rule(i): return 8 if i == 6 else {2: 2, 4: 3}.get(i % 5, 1)
rows = a.execute("SELECT query, ranks FROM rank ORDER BY query").fetchall()
assert len(rows) == 4, rows
for query, ranks in rows:
    want = [rule(i) for i in range(len(ranks))]
    assert list(ranks) == want, (query, list(ranks), want)
same = "SELECT query, ranks, numbers, ahead FROM rank ORDER BY query"
assert a.execute(same).fetchall() == b.execute(same).fetchall()
text = a.execute("SELECT text, tokens, ended FROM answer WHERE query = 0 AND voice = 1").fetchone()
assert text == ("ok: ?=3+21.", 12, 1), text
assert a.execute("SELECT count(*) FROM rank WHERE accept IS NOT NULL").fetchone()[0] == 0
assert a.execute("SELECT count(*) FROM exits").fetchone()[0] == 0 == a.execute("SELECT count(*) FROM embedding").fetchone()[0]
numbers = a.execute("SELECT numbers FROM answer WHERE query = 0 AND voice = 1").fetchone()[0]
n = [int.from_bytes(numbers[i:i + 2], "little") for i in range(0, len(numbers), 2)]
assert n[:3] == [round(.6 * 65534), round(.4 * 65534), 65535], n[:3]
assert a.execute("SELECT kind, digest FROM voice ORDER BY voice").fetchall() == [("url", "llama.cpp:small"), ("url", "vllm:big")]
PY
is '(1) ranks by the rule' python3 look.py

record --edge "$at/llama/v1#small" --cloud "$at/fragile-vllm/v1" --out c.db
is '(2) exit' [ $? -eq 3 ]
is '(2) in words' grep -q 'fragile-vllm/.*HTTP 500: it fell over .*--resume' err
is '(2) one line' one_line
is '(2) it stays' [ -s c.db.part ]
record --edge "$at/llama/v1#small" --cloud "$at/fragile-vllm/v1" --out c.db --resume
is '(2) resumed' [ $? -eq 0 ]
is '(2) the same bytes' cmp a.db c.db

record --edge "$at/vllm/v1#small" --cloud "$at/other-vllm/v1" --out d.db
is '(3) other words, exit' [ $? -eq 2 ]
is '(3) other words' grep -q 'the vocabularies differ: .*--apart' err
record --edge "$at/ollama/v1#small" --cloud "$at/ollama/v1" --out d.db
is '(3) no ranks' grep -q 'neither token ids nor .*--apart' err
record --edge "$at/ollama/v1#small" --cloud "$at/ollama/v1" --out d.db --apart
is '(3) apart' [ $? -eq 0 ]
is '(3) without ranks' python3 -c 'import sqlite3; c = sqlite3.connect("d.db"); assert c.execute("SELECT count(*) FROM rank").fetchone()[0] == 0; assert c.execute("SELECT count(*) FROM answer WHERE numbers IS NOT NULL").fetchone()[0] == 8'
record --edge "$at/bare/v1#small" --cloud "$at/bare/v1" --out e.db --apart --no-logprobs
is '(3) without log-probabilities' python3 -c 'import sqlite3; c = sqlite3.connect("e.db"); assert c.execute("SELECT count(*), sum(numbers IS NULL), min(prompt_tokens) FROM answer JOIN query USING (query)").fetchone() == (8, 8, 7)'
"$duosim" models make --like tiny-qwen3 --quant q4_0 --out tiny.gguf >/dev/null
record --edge tiny.gguf --cloud "$at/vllm/v1" --out f.db
is '(3) one here, one there' grep -q "can't draft for each other; --apart" err
record --edge tiny.gguf --cloud "$at/vllm/v1" --out f.db --apart
is '(3) one here, one there, apart' [ $? -eq 0 ]

DUOSIM_CLOUD_KEY=sk-very-secret record --edge "$at/llama/v1#small" --cloud "$at/vllm/v1" --out g.db
is '(4) recorded' cmp a.db g.db
is '(4) in no file' sh -c '! grep -q very-secret g.db out err'
DUOSIM_CLOUD_KEY=sk-very-secret record --edge "$at/llama/v1#small" --cloud "$at/leak/v1" --out h.db --apart
is '(4) in no message' sh -c 'grep -q "HTTP 403: bad key Bearer \*\*" err && ! grep -q very-secret err'
rm -f h.db.part
DUOSIM_EDGE_KEY=sk-very-secret record --edge "$at/llama/v1#small" --cloud "$at/leak/v1" --out h.db --apart
is '(4) to its server alone' grep -q 'HTTP 403: bad key None' err

rm -rf ./*.part
record --edge "http://127.0.0.1:9/v1#x" --cloud "$at/vllm/v1" --out i.db
is '(5) down, exit' [ $? -eq 3 ]
is '(5) down, one line' one_line
is '(5) down, nothing' [ ! -e i.db ]
record --edge "$at/two-openai/v1" --cloud "$at/vllm/v1" --out i.db
is '(5) which model, exit' [ $? -eq 2 ]
is '(5) which model' grep -q 'which model? say .*two-openai/v1#MODEL; there is big, small' err
record --edge "$at/vllm/v1" --cloud "$at/vllm/v1" --server clod=vllm --out i.db
is '(5) whose server' grep -q 'no voice behind a server is called so' err
record --edge "$at/vllm/v1" --cloud "$at/vllm/v1" --server cloud=vlm --out i.db
is '(5) which server' grep -q 'did you mean vllm' err

cat >run.yaml <<'YAML'
name: replay
arrivals: { process: poisson, rate: 1/s, requests: 12 }
devices:  { count: 4, hardware: pi5, model: llama-3.2-1b, quant: q4_0 }
cells:    { up: 10 Mbit/s, down: 20 Mbit/s, rtt: 40 ms }
places:   [ { name: cloud, hardware: h100-sxm, model: llama-3.1-8b, quant: fp8 } ]
answers:  { recorded: a.db, roles: { device: edge, cloud: cloud } }
policies: [ edge_only, cloud_only, { use: cascade, floor: 0.5 }, { use: draft_verify, draft: 3 } ]
YAML
"$duosim" run run.yaml --out run.db --json >out 2>err
is '(6) replayed' [ $? -eq 0 ]
is '(6) nothing failed' [ "$(grep -c '"failed": 0' out)" -eq 4 ]
echo "$passed passed, $failed failed, 0 skipped"
[ $failed -eq 0 ]
