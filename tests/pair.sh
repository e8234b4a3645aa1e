# pair.sh DUOSIM - the model pair that ships: files are there, answers are those of llama.cpp.
#
# (1) Each quantized file of the pair runs, and answers easy questions of its tasks.
# (2) Greedy texts of the F16 files are those of llama-cpp-python, on questions of every family.  LLAMA_PYTHON=PROGRAM names a
#     Python that has it; skipped in words without.
# (3) The n-gram drafter is a function of the tasks and the vocabulary: made again it has the same bytes.
duosim=$(realpath "$1") || exit 2
here=$(cd "$(dirname "$0")/.." && pwd)
pair=$(dirname "$duosim")/models/pair
passed=0 failed=0 skipped=0
if [ ! -f "$pair/edge-f16.gguf" ]; then
    echo "pair.sh: skipped: there is no models/pair/edge.gguf to make $pair/edge-f16.gguf from"
    echo '0 passed, 0 failed, 1 skipped'
    exit 0
fi
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

# is NAME GOT WANT
is() {
    if [ "$2" = "$3" ]; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "pair.sh: failed: $1: got '$2', want '$3'"; fi
}

new='
'
for role in edge cloud; do
    for quant in f16 q8_0 q4_0; do
        is "$role $quant answers" "$("$duosim" generate "$pair/$role-$quant.gguf" -t 1 -n 20 -p "style formal: the kid got the car$new" 2>/dev/null)" ' the child obtained the vehicle'
    done
done

"$(dirname "$duosim")/models/pair/make_pair" ngram "$here/models/pair/edge.gguf" 20000 3 "$work/ngram.bin"
cmp -s "$work/ngram.bin" "$pair/ngram.bin"
is 'n-grams made again' $? 0

python=${LLAMA_PYTHON:-python3}
if "$python" -c 'import llama_cpp' 2>/dev/null; then
    "$duosim" tasks --n 30 --split calibration >"$work/tasks.jsonl"
    "$python" - "$duosim" "$pair" "$work/tasks.jsonl" >"$work/out" <<'PY'
import json, subprocess, sys
from llama_cpp import Llama
duosim, pair, tasks = sys.argv[1:]
for role in ("edge", "cloud"):
    model = Llama(f"{pair}/{role}-f16.gguf", n_ctx=512, n_threads=1, verbose=False)
    for line in open(tasks):
        t = json.loads(line)
        ours = subprocess.run([duosim, "generate", f"{pair}/{role}-f16.gguf", "-t", "1", "-n", "200", "--json", "-p", t["prompt"]],
                              check=True, capture_output=True, text=True).stdout
        theirs = model.create_completion(model.tokenize(t["prompt"].encode(), add_bos=True), max_tokens=200, temperature=0)["choices"][0]["text"]
        print("same" if json.loads(ours)["text"] == theirs else f"{role} {t['id']}: got {json.loads(ours)['text']!r}, llama.cpp {theirs!r}")
PY
    is 'texts of llama.cpp' "$(grep -v '^same$' "$work/out"; grep -c '^same$' "$work/out")" 60
else
    skipped=1
    echo "pair.sh: skipped: $python has no llama_cpp to compare with; LLAMA_PYTHON=PROGRAM names one that has"
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
