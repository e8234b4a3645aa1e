# against_llama.sh DUOSIM [OPTION]... - the speed of duosim beside llama.cpp's, on the same files, in alternation.
#
# (1) A cell is model x format x threads x phase: tg, 128 tokens one by one from an empty context; pp, a prompt of 512 at once
#     (with --quick 32 and 128, and one round: for seeing that all of it runs, not for figures).
# (2) Each round runs ours, then theirs; a cell's figure is the ratio of the medians.  Losing cells stand first; the last line is
#     "N of M cells at least as fast, worst R".
# (3) llama.cpp is llama-cpp-python from PyPI, built for this machine in a virtual environment of its own (minutes, once):
#     $XDG_CACHE_HOME/duosim/llama, or ~/.cache/duosim/llama.  LLAMA_PYTHON=PROGRAM: a Python that has it already.
# (4) Files have the exact shapes of the models, and random weights: made once, kept beside it.
# (5) --keep FILE keeps every round as it ends, and begins where FILE ends: a run that was stopped goes on.  Stopped, or out of --minutes,
#     it prints the cells that have at least one round of both, and says how many are missing.
# Other processes disturb this: a warning says when there were any.
LC_ALL=C
export LC_ALL
usage='sh tests/bench/against_llama.sh DUOSIM [--rounds N] [--models LIST] [--formats LIST] [--threads LIST] [--phases LIST]
   [--quick] [--keep FILE] [--minutes N]
Lists by commas; default: --rounds 3 --models smollm2-135m,qwen2.5-0.5b,tinyllama-1.1b --formats q8_0,q4_0,q4_1,q4_k_m
--threads 1,2 --phases tg,pp'
rounds=3 models=smollm2-135m,qwen2.5-0.5b,tinyllama-1.1b formats=q8_0,q4_0,q4_1,q4_k_m threads=1,2 phases=tg,pp
tokens=128 prompt=512 keep= minutes=
duosim=
while [ $# -gt 0 ]; do
    case $1 in
    --rounds) rounds=$2; shift 2 || exit 2 ;;
    --models) models=$2; shift 2 || exit 2 ;;
    --formats) formats=$2; shift 2 || exit 2 ;;
    --threads) threads=$2; shift 2 || exit 2 ;;
    --phases) phases=$2; shift 2 || exit 2 ;;
    --quick) rounds=1 tokens=32 prompt=128; shift ;;
    --keep) keep=$2; shift 2 || exit 2 ;;
    --minutes) minutes=$2; shift 2 || exit 2 ;;
    -h | --help) echo "$usage"; exit 0 ;;
    -*) echo "against_llama.sh: unknown option $1" >&2; echo "$usage" >&2; exit 2 ;;
    *) duosim=$(realpath "$1") || exit 2; shift ;;
    esac
done
[ -x "$duosim" ] || { echo "$usage" >&2; exit 2; }
cache=${XDG_CACHE_HOME:-$HOME/.cache}/duosim
mkdir -p "$cache/bench" || exit 4
work=$(mktemp -d) || exit 4
trap 'rm -rf "$work"' EXIT
rates=$work/rates
[ -z "$keep" ] || { rates=$(realpath "$keep") && touch "$rates"; } || exit 2
: >>"$rates"

python=${LLAMA_PYTHON:-$cache/llama/bin/python}
if ! "$python" -c 'import llama_cpp' 2>/dev/null; then
    [ -z "${LLAMA_PYTHON:-}" ] || { echo "against_llama.sh: $python has no llama_cpp" >&2; exit 2; }
    echo 'building llama-cpp-python, once' >&2
    if ! python3 -m venv "$cache/llama" || ! CMAKE_ARGS='-DGGML_NATIVE=ON' "$cache/llama/bin/pip" install -q --no-binary llama-cpp-python llama-cpp-python >&2
    then
        echo 'against_llama.sh: llama-cpp-python could not be installed' >&2
        exit 2
    fi
fi

cat >"$work/theirs.py" <<'PYTHON'
import ctypes, random, sys, time
import llama_cpp as l

path, threads, phases = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(",")
tg, pp = int(sys.argv[4]), int(sys.argv[5])
quiet = l.llama_log_callback(lambda level, text, data: None)
l.llama_log_set(quiet, None)
l.llama_backend_init()
model = l.llama_model_load_from_file(path.encode(), l.llama_model_default_params())
params = l.llama_context_default_params()
params.n_ctx, params.n_batch, params.n_ubatch, params.n_threads, params.n_threads_batch = 512, 512, 512, threads, threads
context = l.llama_init_from_model(model, params)
words = l.llama_vocab_n_tokens(l.llama_model_get_vocab(model))
tokens = (l.llama_token * 512)(*[random.Random(1).randrange(words) for _ in range(512)])


def run(n, at_once):
    l.llama_memory_clear(l.llama_get_memory(context), True)
    step = n if at_once else 1
    for i in range(0, n, step):
        at = ctypes.cast(ctypes.byref(tokens, i * ctypes.sizeof(l.llama_token)), ctypes.POINTER(l.llama_token))
        assert l.llama_decode(context, l.llama_batch_get_one(at, step)) == 0
    l.llama_synchronize(context)


for phase in phases:
    n, at_once = (pp, True) if phase == "pp" else (tg, False)
    run(16, at_once)
    start = time.perf_counter()
    run(n, at_once)
    print(phase, n / (time.perf_counter() - start))
PYTHON

# ours FILE THREADS: lines "phase tokens/s".
ours() {
    p=0 n=0
    case $phases in *pp*) p=$prompt ;; esac
    case $phases in *tg*) n=$tokens ;; esac
    "$duosim" bench "$1" -t "$2" -p $p -n $n -r 1 --json |
        sed 's/.*"phase": "\([a-z]*\)".*"tokens_per_s": \([0-9.e+]*\).*/\1 \2/'
}

list() { echo "$1" | tr , ' '; }

busy=0
others() {
    load=$(cut -d ' ' -f 4 /proc/loadavg 2>/dev/null)
    [ "${load%%/*}" -le 1 ] 2>/dev/null || busy=$((busy + 1))
}

# Cells from the rounds so far, losing ones first, and the count.  (2), (5)
report() {
    sort -k 1,5 -k 6,6g "$rates" | awk '
        function median() { return n % 2 ? x[(n + 1) / 2] : (x[n / 2] + x[n / 2 + 1]) / 2 }
        function done() { if (n) { m[key] = median(); rounds[key] = n } n = 0 }
        { next_key = $1 " " $2 " " $3 " " $5 " " $4 }
        next_key != key { done(); key = next_key }
        { x[++n] = $6 }
        END {
            done()
            for (k in m) if (k ~ / ours$/ && m[substr(k, 1, length(k) - 5) " theirs"] > 0) {
                cell = substr(k, 1, length(k) - 5)
                split(cell, part, " ")
                printf "%-16s %-7s %d threads  %s  %9.2f %9.2f  %.4f %d\n", part[1], part[2], part[3], part[4], m[k], m[cell " theirs"], m[k] / m[cell " theirs"], rounds[k]
            }
        }' | sort -k 8,8g >"$work/cells"
    [ -s "$work/cells" ] || { echo 'against_llama.sh: nothing was measured' >&2; exit 3; }
    echo 'model            format  threads   phase  duosim llama.cpp  ratio rounds'
    cat "$work/cells"
    [ "$busy" -eq 0 ] || echo "against_llama.sh: other processes ran in $busy of the rounds; these figures are unsure" >&2
    [ "$missing" -eq 0 ] || echo "against_llama.sh: $missing rounds were not run" >&2
    awk '{ n++; good += $8 >= 1; if (n == 1) worst = $8 } END { printf "%d of %d cells at least as fast, worst %.3f\n", good, n, worst }' "$work/cells"
}
stop=
trap 'stop=yes' INT TERM
begun=$(date +%s)
missing=0
first=${phases%%,*}

# A round of one file: ours and theirs, kept only when both have ended.
one_round() {
    others
    ours "$file" "$t" | sed "s/^/$model $format $t ours /" >"$work/one" || return
    "$python" "$work/theirs.py" "$file" "$t" "$phases" "$tokens" "$prompt" | sed "s/^/$model $format $t theirs /" >>"$work/one" || return
    [ "$(wc -l <"$work/one")" -eq "$(($(list "$phases" | wc -w) * 2))" ] && cat "$work/one" >>"$rates"
}

echo "llama-cpp-python $("$python" -c 'import llama_cpp; print(llama_cpp.__version__)'), $("$duosim" --version)"
for model in $(list "$models"); do
    for format in $(list "$formats"); do
        file=$cache/bench/$model-$format.gguf
        [ -n "$stop" ] || [ -f "$file" ] || "$duosim" models make --like "$model" --quant "$format" --out "$file" >/dev/null || exit
        for t in $(list "$threads"); do
            round=$(grep -c "^$model $format $t theirs $first " "$rates")
            while [ "$round" -lt "$rounds" ]; do
                round=$((round + 1))
                [ -z "$minutes" ] || [ $(($(date +%s) - begun)) -lt $((minutes * 60)) ] || stop=yes
                if [ -n "$stop" ]; then missing=$((missing + 1)); continue; fi
                if ! one_round && [ -z "$stop" ]; then echo "against_llama.sh: a round of $file failed" >&2; exit 3; fi
                echo "$model $format, $t threads: round $round of $rounds" >&2
            done
        done
    done
done
report
