# models.sh DUOSIM - small models on the command line.
#
# (1) What generate writes is the same for any number of threads and any instruction set, drawn or not; another seed draws otherwise.
# (2) generate --json is JSON whose tokens make up its text; bench prints one object a line, a line for each thread count and phase.
# (3) bench counts the bytes of the matrices that a token reads.
# (4) A drafter changes nothing of the text: drafts that are mostly right, mostly wrong, of any length; drawn or not.  One with
#     another vocabulary is refused.
# (6) calibrate makes layers that the catalogue takes, here and from llama-bench's output.
# (5) What does not fit the memory is refused with both numbers, exit 4.
duosim=$(realpath "$1") || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
passed=0 failed=0

# is NAME CONDITION...
is() {
    name=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "models.sh: failed: $name"; fi
}

# write FILE OPTION...
write() {
    file=$1
    shift
    "$duosim" generate tiny.gguf -p 'A text to go on from' -n 24 "$@" >"$file" 2>"$file.err"
}

"$duosim" models make --like tiny-qwen3 --quant q4_k_m --out tiny.gguf >/dev/null || exit 2
"$duosim" models make --like tiny-qwen3 --quant q4_0 --out other.gguf >/dev/null || exit 2
"$duosim" models make --like tiny-llama --quant q8_0 --out llama.gguf >/dev/null || exit 2
"$duosim" models make --like smollm2-135m --quant q8_0 --out big.gguf >/dev/null || exit 2
drawn='--temp 1.2 --top-k 50 --top-p 0.95 --min-p 0.01 --seed 3'
# shellcheck disable=SC2086
for how in '--temp 0' "$drawn"; do
    write want --threads 1 $how
    is "generate $how writes" [ "$(wc -c <want)" -gt 24 ]
    write got --threads 3 $how
    is "generate $how, three threads" cmp -s want got
    for isa in scalar avx2 avx512 neon; do
        DUOSIM_ISA=$isa "$duosim" generate tiny.gguf -p x -n 1 >/dev/null 2>&1 || continue
        DUOSIM_ISA=$isa write got $how
        is "generate $how, $isa" cmp -s want got
    done
done
# shellcheck disable=SC2086
for draft in tiny.gguf other.gguf; do
    for how in '--temp 0' "$drawn"; do
        write want $how
        for n in 1 4 17; do
            write got $how --draft "$draft" --draft-tokens $n
            is "generate $how --draft $draft --draft-tokens $n" cmp -s want got
        done
        is "it says what was accepted" grep -q '^drafted: [1-9][0-9]*, accepted: [0-9]* ' got.err
    done
done
write got --temp 0 --draft tiny.gguf
is 'a drafter that is the model itself is always right' grep -q 'accepted: .*(100.0%), in 5 passes' got.err
"$duosim" generate tiny.gguf --draft llama.gguf -p x -n 4 >got 2>got.err
is 'another vocabulary, exit 2' [ $? -eq 2 ]
is 'another vocabulary, in words' grep -q "llama.gguf: its vocabulary of 1024 is not that of tiny.gguf (1024): token 0 is" got.err
is 'another vocabulary, nothing written' [ ! -s got ]
(ulimit -v 250000 && exec "$duosim" generate big.gguf -p x -n 4000 --threads 1) >got 2>got.err
is 'too little memory, exit 4' [ $? -eq 4 ]
is 'too little memory, in words' grep -q '^big.gguf: its weights need 0.[0-9]* GB of memory; 0.[0-9]* GB are free$' got.err
# shellcheck disable=SC2086
write other $drawn --seed 4
is 'another seed' sh -c '! cmp -s want other'
write cache --cache q8_0
is 'a cache in Q8_0' [ -s cache ]
write chat --chat
is 'chat' [ -s chat ]
printf 'A text to go on from' | "$duosim" generate tiny.gguf -p - -n 24 >got 2>/dev/null
write want
is 'a prompt from stdin' cmp -s want got

write json --json --logits 3
if command -v python3 >/dev/null; then
    is 'generate --json' python3 -c '
import json
r = json.load(open("json"))
t = r["tokens"]
assert len(t) == 24 and r["stopped"] == "length" or r["stopped"] == "end", r
assert all(0 <= x[k] <= 1 for x in t for k in ("probability", "margin", "entropy")), r
assert all(len(x["logits"]) == 3 and x["logits"][0]["id"] == x["id"] and x["logits"][0]["logit"] >= x["logits"][2]["logit"] for x in t), r
assert r["prompt_tokens"] > 0 and r["text"]
'
    "$duosim" bench tiny.gguf --threads 1,2 --prompt 40 --tokens 8 --repeat 1 --json >rows
    is 'bench --json' python3 -c '
import json
rows = [json.loads(line) for line in open("rows")]
assert [(r["threads"], r["phase"], r["n"]) for r in rows] == [(1, "pp", 40), (1, "tg", 8), (2, "pp", 40), (2, "tg", 8)], rows
assert all(r["tokens_per_s"] > 0 and r["bandwidth_share"] > 0 and r["int8_share"] > 0 and r["quant"] == "Q4_K_M" for r in rows), rows
# Width 256, 4 heads and 2 for keys and values of 96, ffn 512, 3 layers, 1024 words; at 4.5 to 6.6 bits a weight.
weights = 3 * (2 * 256 * 384 + 2 * 256 * 192 + 3 * 256 * 512) + 256 * 1024
assert all(4.5 < 8 * r["bytes_streamed"] / weights < 7.5 for r in rows if r["phase"] == "tg"), (weights, rows)
assert rows[0]["bytes_streamed"] == rows[2]["bytes_streamed"] and rows[1]["bytes_streamed"] == rows[3]["bytes_streamed"], rows
'
fi
"$duosim" models make --like tiny-qwen2 --quant q4_k_m --out qwen2.gguf >/dev/null || exit 2
"$duosim" models make --like tiny-llama3 --quant q4_k_m --out llama3.gguf >/dev/null || exit 2
"$duosim" calibrate tiny.gguf qwen2.gguf llama3.gguf --quick --threads 1 --name Mine --watts 2,8 --out layer >got 2>got.err
is 'calibrate' [ $? -eq 0 ]
is 'calibrate: a line a fit' grep -q '^q4_k_m    1 threads: compute [0-9.e-]* \[' got
is 'calibrate: each model is left out once' [ "$(grep -c '^\(tiny\|qwen2\|llama3\) *q4_k_m  *1  *6 ' got)" -eq 3 ]
is 'calibrate: the layer is read' sh -c "'$duosim' hardware mine --catalogue layer | grep -q '^load_watts *8 '"
is 'calibrate: all timings are kept' [ "$(wc -l <layer/samples.csv)" -eq 19 ]
cat >bench.json <<'JSON'
[ { "build_number": 6000, "cpu_info": "A phone", "backends": "CPU", "model_filename": "Llama-3.2-1B-Instruct-Q4_0.gguf", "model_type": "llama 1B Q4_0",
    "model_size": 773025920, "model_n_params": 1235814432, "n_ubatch": 512, "n_threads": 4, "n_prompt": 512, "n_gen": 0, "avg_ts": 120.5, "stddev_ts": 1.2 },
  { "build_number": 6000, "cpu_info": "A phone", "backends": "CPU", "model_filename": "Llama-3.2-1B-Instruct-Q4_0.gguf", "model_type": "llama 1B Q4_0",
    "model_size": 773025920, "model_n_params": 1235814432, "n_ubatch": 512, "n_threads": 4, "n_prompt": 0, "n_gen": 128, "avg_ts": 31.5, "stddev_ts": 0.3 } ]
JSON
"$duosim" calibrate --from bench.json --name phone --class phone --memory 8 --out phone >got 2>got.err
is 'calibrate --from' [ $? -eq 0 ]
is 'calibrate --from: llama-bench, a new device' sh -c "'$duosim' hardware phone --catalogue phone | grep -q '^memory *8e+09 '"
"$duosim" estimate --catalogue phone --hardware phone --model llama-3.2-1b --quant q4_0 --prompt 512 --output 128 --json >got 2>got.err
is 'its estimates are what was measured' awk -F'[:,]' '/"decode_tokens_per_s"/ { d = $2 } /"prefill_s"/ { p = $2 } END { exit !(d / 31.5 > 0.95 && d / 31.5 < 1.05 && p * 120.5 / 512 > 0.95 && p * 120.5 / 512 < 1.05) }' got
"$duosim" calibrate --from bench.json --name my-pi --hardware pi5 --out pi >got 2>got.err
is 'calibrate --from --hardware: peaks of the catalogue' grep -q '^my-pi,bandwidth,171000000.*,B/s,documented' pi/hardware.csv
is 'faster than those: said' grep -q 'weights come faster than the bandwidth of 17.1 GB' got
"$duosim" calibrate --from bench.json --name pi5 --out taken >got 2>got.err
is 'calibrate --name of a device that ships, exit 2' [ $? -eq 2 ]
is 'in words' grep -q 'pi5 is a device that ships' got.err
is 'no folder of it' [ ! -e taken ]
"$duosim" calibrate --from bench.json --name pi5 --replace --memory 8 --out taken >got 2>got.err
is 'calibrate --replace' [ $? -eq 0 ]
"$duosim" estimate --catalogue layer --hardware mine --model tiny.gguf --prompt 40 --output 8 --json >got 2>got.err
is 'a GGUF file has the constants of its format' [ $? -eq 0 ]
"$duosim" calibrate --from rows --name x --out x >got 2>got.err
is "calibrate --from of another program's output, exit 2" [ $? -eq 2 ]
is 'in words' grep -q '^rows:1: no model_filename in it: not a row of llama-bench$' got.err
is 'calibrate leaves no folder behind' [ ! -e x ]
"$duosim" calibrate tiny.gguf --quick --out got >out 2>got.err
is 'calibrate into a file, exit 2' [ $? -eq 2 ]
is 'calibrate into a file, in words' grep -q '^got: is a file; a folder is expected$' got.err
"$duosim" bench tiny.gguf --threads 1 --prompt 40 --tokens 0 --repeat 1 >text
is 'bench as text' [ "$(wc -l <text)" -eq 2 ]
echo "$passed passed, $failed failed, 0 skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 10 ]
