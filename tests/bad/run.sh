# run.sh DUOSIM BUILD - wrong input.  Each case: one line on stderr that says what and where, nothing on stdout, the right
# exit code, and no file left behind, half-written or otherwise.
#
# A file tests/bad/NAME.yaml says in its first line what is due: "# exit CODE: TEXT THAT MUST BE IN THE LINE".
# What no scenario file can show (a missing file, a full disk, wrong options) follows below.
duosim=$(realpath "$1") && modules=$(realpath "$2")/tests/bad || exit 2
cd "$(dirname "$0")" || exit 2
bad=$PWD
scratch=$(mktemp -d) || exit 2
unset DUOSIM_DATA
trap 'umount "$scratch/tiny" 2>/dev/null; rm -rf "$scratch"' EXIT
work=$scratch/work
passed=0 failed=0 skipped=0

fail() {
    failed=$((failed + 1))
    echo "bad input, $1: failed: $2"
    sed 's/^/    /' "$scratch/err" | head -n 5
}

# due NAME CODE TEXT COMMAND... : run in an empty folder.
due() {
    name=$1 code=$2 text=$3
    shift 3
    rm -rf "$work"
    mkdir "$work"
    (cd "$work" && exec "$@") >"$scratch/out" 2>"$scratch/err" </dev/null
    got=$?
    lines=$(wc -l <"$scratch/err")
    left=$(ls -A "$work")
    if   [ "$got" -ne "$code" ];            then fail "$name" "exit $got, want $code"
    elif [ "$lines" -ne 1 ];                then fail "$name" "$lines lines on stderr, want 1"
    elif [ -s "$scratch/out" ];             then fail "$name" "something on stdout: $(head -c 100 "$scratch/out")"
    elif [ -n "$left" ];                    then fail "$name" "left behind: $left"
    elif ! grep -qF -- "$text" "$scratch/err"; then fail "$name" "does not say: $text"
    else passed=$((passed + 1))
    fi
}

for file in *.yaml; do
    rule=$(sed -n '1s/^# exit //p' "$file")
    case $rule in
    good*) continue ;;
    [0-9]:\ ?*) due "$file" "${rule%%:*}" "${rule#*: }" "$duosim" run "$bad/$file" --out x.db ;;
    *) : >"$scratch/err"; fail "$file" 'its first line is not "# exit CODE: TEXT"' ;;
    esac
done

# The file they are all made from is good, so that each fails for its own reason.
rm -rf "$work"
mkdir "$work"
if "$duosim" run "$bad/good.yaml" --out "$work/x.db" >"$scratch/out" 2>"$scratch/err" && [ -s "$work/x.db" ] && [ "$(ls -A "$work")" = x.db ]
then passed=$((passed + 1))
else fail good.yaml "does not run, or leaves more than its database: $(ls -A "$work")"
fi

good=$bad/good.yaml
empty=$scratch/empty.yaml
: >"$empty"
printf 'name: x\nseed: \377\376\n' >"$scratch/bytes.yaml"
cp "$good" "$scratch/mine.gguf"
for n in 0 -3 abc 1.5 '' 100001; do
    due "--perturb '$n'" 2 '--perturb' "$duosim" run "$good" --perturb "$n"
done
due 'missing file'       2 'no/such.yaml: no such file'      "$duosim" run no/such.yaml
due 'folder'             2 'is a folder'                     "$duosim" run "$bad"
due 'empty file'         2 'empty.yaml:1'                    "$duosim" run "$empty"
due 'not UTF-8'          2 'bytes.yaml:2'                    "$duosim" run "$scratch/bytes.yaml"
due 'scenario name'      2 'did you mean quickstart?'        "$duosim" run quickstrat
due 'no scenario'        2 'which scenario?'                 "$duosim" run
due 'two scenarios'      2 'one scenario at a time'          "$duosim" run quickstart quickstart
due 'command'            2 'did you mean run?'               "$duosim" rnu quickstart
due 'option'             2 'did you mean --policy?'          "$duosim" run "$good" --polciy cascade
due 'short option'       2 'unknown option -z'               "$duosim" run "$good" -z
due 'option without'     2 '--out needs a value'             "$duosim" run "$good" --out
due 'net'                2 'did you mean fluid?'             "$duosim" run "$good" --net fluids
due 'jobs'               2 'a whole number from 1'           "$duosim" run "$good" --jobs 0
due 'seed'               2 '--seed'                          "$duosim" run "$good" --seed one
due 'set key'            2 'did you mean rtt?'               "$duosim" run "$good" --set cells.rtx='1 ms'
due 'set value'          2 '3 Mbit/s'                        "$duosim" run "$good" --set cells.rtt='3 Mbit/s'
due 'set form'           2 'KEY=VALUE'                       "$duosim" run "$good" --set cells.rtt
due 'policy'             2 'did you mean cloud_only?'        "$duosim" run "$good" --policy cloud_onyl
due 'policy twice'       2 'as='                             "$duosim" run "$good" --policy edge_only
due 'policy parameter'   2 'did you mean floor?'             "$duosim" run "$good" --policy cascade:flor=0.5
due 'only keeps added'   2 'did you mean floor?'             "$duosim" run "$good" --only edge_only --policy cascade:flor=0.5
due 'only'               2 'did you mean edge_only?'         "$duosim" run "$good" --only edge_olny
due 'module missing'     2 './no.so'                         "$duosim" run "$good" --policy ./no.so
due 'module of text'     2 'good.yaml'                       "$duosim" run "$good" --policy "$good"
due 'module of ABI'      2 'ABI'                             "$duosim" run "$good" --policy "$modules/abi.so"
due 'module name'        2 'duo_policy_misnamed'             "$duosim" run "$good" --policy "$modules/misnamed.so"
due 'out in no folder'   2 'no/folder/x.db'                  "$duosim" run "$good" --out no/folder/x.db
due 'out is a folder'    2 "$scratch"                        "$duosim" run "$good" --out "$scratch"
due 'check of nothing'   2 'no.baseline: No such file'      "$duosim" check "$good" --baseline no.baseline
due 'check of no file'   2 'against which baseline?'         "$duosim" check "$good"
due 'check of text'      2 'is no baseline of duosim'        "$duosim" check "$good" --baseline "$good"
due 'check over text'    2 'is no baseline of duosim'        "$duosim" check "$good" --baseline "$scratch/mine.gguf" --update
due 'check of a folder'  2 'is a folder'                     "$duosim" check "$good" --baseline "$scratch"
due 'check to nowhere'   2 'no/folder/x: No such file'       "$duosim" check "$good" --baseline no/folder/x --update
due 'table of nothing'   2 'no.db'                           "$duosim" table no.db
due 'table of text'      2 'good.yaml'                       "$duosim" table "$good"
due 'table format'       2 'did you mean markdown?'          "$duosim" table no.db --format markdwn
due 'plot of nothing'    2 'no.db'                           "$duosim" plot no.db
due 'list policies'      2 'did you mean cascade?'           "$duosim" policies cascad
due 'list hardware'      2 'no-such-device'                  "$duosim" hardware no-such-device
due 'list models'        2 'did you mean qwen3-32b?'         "$duosim" models Qwen/Qwen3-33B
due 'list prices'        2 'did you mean gpt-4o-mini?'       "$duosim" prices gpt-4o-minj
due 'list runtimes'      2 'did you mean vllm?'              "$duosim" runtimes vllmm
due 'catalogue missing'  2 'no file of a catalogue'          "$duosim" run "$good" --catalogue "$scratch/nowhere"
due 'catalogue unit'     2 'catalogue/hardware.csv:2:22'     "$duosim" run "$good" --catalogue "$bad/catalogue"
due 'catalogue list'     2 'bandwidth is in B/s, got GB'     "$duosim" hardware h100-sxm --catalogue "$bad/catalogue"
due 'gguf missing'       2 'nowhere.gguf'                    "$duosim" models nowhere.gguf
due 'gguf of text'       2 'mine.gguf'                       "$duosim" models "$scratch/mine.gguf"
due 'tasks family'       2 'did you mean again?'              "$duosim" tasks --family agan
due 'tasks split'        2 'did you mean calibration?'        "$duosim" tasks --split calibraton
due 'tasks rows'         2 "don't go with it"                 "$duosim" tasks --rows --family add
due 'tasks file'         2 'tasks.jsonl:2: reference: missing' "$duosim" tasks "$bad/tasks.jsonl"
due 'tasks nowhere'      2 'No such file'                     "$duosim" tasks nowhere.jsonl
due 'estimate of nothing' 2 '--model and --hardware'         "$duosim" estimate --model llama-3.1-8b
due 'estimate model'     2 'did you mean llama-3.1-8b?'      "$duosim" estimate --model llama-3.1-8 --hardware l4
due 'estimate hardware'  2 'did you mean'                    "$duosim" estimate --model llama-3.1-8b --hardware h100-smx
due 'estimate quant'     2 'did you mean q4_0?'              "$duosim" estimate --model llama-3.1-8b --hardware l4 --quant q4_00
due 'estimate runtime'  2 'did you mean vllm?'              "$duosim" estimate --model llama-3.1-8b --hardware l4 --runtime vlm
due 'too large'          2 'needs 141.1 GB of weights'       "$duosim" estimate --model llama-3.1-70b --hardware h100-sxm
due 'batch beyond KV'    2 'at most '                        "$duosim" estimate --model llama-3.1-8b --hardware l4 --quant fp8 --batch 256
due 'context'            2 'llama-2-7b takes 4096'           "$duosim" estimate --model llama-2-7b --hardware h100-sxm --prompt 4000 --output 97
due 'heads'              2 'divide the 32 heads'             "$duosim" estimate --model llama-2-7b --hardware h100-sxm --tensor-parallel 3
due 'constant'           2 'did you mean bandwidth?'         "$duosim" estimate --model llama-2-7b --hardware h100-sxm --cost bandwith=1e12
due 'constant beyond'    2 'expected 0.01 to 1'              "$duosim" estimate --model llama-2-7b --hardware h100-sxm --cost utilisation=1.5
due 'sweep'              2 'batch=1..256'                    "$duosim" estimate --model llama-2-7b --hardware h100-sxm --sweep 1..256
due 'no price'           2 'unknown priced model'            "$duosim" estimate --model llama-2-7b --hardware api
due 'a price of 0'       2 'expected a price above 0'        "$duosim" run "$good" --set places.cloud.cost='{dollars_hour: 0}'
due 'constant in part'   2 'expected a whole number'         "$duosim" run "$good" --set places.cloud.cost='{layers: 1.5}'
due 'constants at odds'  2 "don't share 7 key"               "$duosim" run "$good" --set places.cloud.cost='{kv_heads: 7}'
due 'constants missing'  2 'expected active_experts'         "$duosim" run "$good" --set places.cloud.cost='{experts: 8}'
due 'radio'              2 'good.yaml:5: unknown radio'      "$duosim" run "$good" --set cells.radio=let
due 'measured by nobody' 2 'no row is of'                    "$duosim" estimate --model llama-2-7b --hardware h100-sxm --measured "$bad/measured.csv"
due 'outside measured'   2 'batch 1 to 4, context 0 to 1000' "$duosim" estimate --model llama-3.2-1b --hardware l4 --batch 8 --measured "$bad/measured.csv"
due 'record what'        2 'which models?  --edge'           "$duosim" record --out x.db
due 'record where'       2 'where to?  --out'                "$duosim" record --edge a.gguf --cloud b.gguf
due 'record voice'       2 'NAME=MODEL or NAME@LAYER'        "$duosim" record --edge a.gguf --cloud b.gguf --voice c --out x.db
due 'record score'       2 'NAME=FILE, got router'           "$duosim" record --edge a.gguf --cloud b.gguf --score router --out x.db
due 'record samples'     2 '--samples: a whole number'       "$duosim" record --edge a.gguf --cloud b.gguf --samples 99 --out x.db
due 'record own tasks'   2 'own tasks; --tasks brings'       "$duosim" record --edge a.gguf --cloud b.gguf --tasks x.jsonl --n 5 --out x.db
due 'record of nothing'  2 'a.gguf'                          "$duosim" record --edge a.gguf --cloud b.gguf --out x.db
due 'record of text'     2 'is no GGUF file'                 "$duosim" record --edge "$good" --cloud "$good" --out x.db
due 'share'              2 'DUOSIM_SHARE'                    env DUOSIM_SHARE="$scratch/nowhere" "$duosim" run "$good"

# With --json the one line is one object.
(cd "$scratch" && "$duosim" run "$bad/unknown_key.yaml" --json >out 2>err)
got=$?
said=$(tr -d ' \n' <"$scratch/err")
case "$got$said" in
'2{"error":{"file":"'*'/unknown_key.yaml","line":5,"column":13,"message":"'*'"}}') passed=$((passed + 1)) ;;
*) fail 'json' "exit $got, or not one object of file, line, column, message" ;;
esac

if [ "$(id -u)" -eq 0 ]; then
    unwritable=/proc/duosim.db
else
    mkdir "$scratch/shut"
    chmod 500 "$scratch/shut"
    unwritable=$scratch/shut/x.db
fi
due 'out not writable'   2 "$unwritable"                     "$duosim" run "$good" --out "$unwritable"

# Models that are none, or can't do what is asked.
tiny=$scratch/tiny.gguf
if "$duosim" models make --like tiny-llama --quant q4_0 --out "$tiny" >"$scratch/out" 2>"$scratch/err"
then passed=$((passed + 1))
else fail 'models make' 'tiny-llama is not made'
fi
head -c 200000 "$tiny" >"$scratch/short.gguf"
echo 'no model at all, but some text that is long enough' >"$scratch/text.gguf"
(printf 'GGUF\001\000\000\000'; tail -c +9 "$tiny") >"$scratch/old.gguf"
sed 's/general\.architecture\(.\{12\}\)llama/general.architecture\1lluma/' "$tiny" >"$scratch/arch.gguf"
sed 's/blk\.1\.ffn_up/blk.1.ffn_pu/' "$tiny" >"$scratch/tensor.gguf"
long=$(head -c 20000 /dev/zero | tr '\0' 'x' | sed 's/x/ y z/g')
for command in 'generate -p x' bench; do
    # shellcheck disable=SC2086
    for case in 'text.gguf:is no GGUF file' 'short.gguf:short.gguf: ' 'old.gguf:version 1' 'arch.gguf:lluma' 'tensor.gguf:blk.1.ffn_' 'none.gguf:none.gguf: '; do
        due "$command ${case%%:*}" 2 "${case#*:}"            "$duosim" $command "$scratch/${case%%:*}"
    done
done
due 'prompt too long'    2 "the model's context is 1024"     "$duosim" generate "$tiny" -p "$long"
due 'no prompt'          2 'generate: from which text?'      "$duosim" generate "$tiny"
due 'no model'           2 'bench: which model?'             "$duosim" bench
due 'model by name'      2 'smollm2-135n'                    "$duosim" generate smollm2-135n -p x
due 'temperature'        2 '--temp: a number from 0 to 100'  "$duosim" generate "$tiny" -p x --temp -1
due 'top-p'              2 '--top-p: a number from 0 to 1'   "$duosim" generate "$tiny" -p x --top-p 1.5
due 'isa'                2 'DUOSIM_ISA=avx9'                 env DUOSIM_ISA=avx9 "$duosim" generate "$tiny" -p x
due 'bench too long'     2 "4000 tokens are more than"       "$duosim" bench "$tiny" -p 4000
due 'bench of nothing'   2 'nothing to measure'              "$duosim" bench "$tiny" -p 0 -n 0
due 'thread list'        2 '--threads: a whole number'       "$duosim" bench "$tiny" -t 1,,2
rm -f "$tiny" "$scratch"/*.gguf

# A disk that is full: a file system of 64 KiB, or where only root may mount one, a limit on a file's size.
mkdir "$scratch/tiny"
if [ "$(id -u)" -eq 0 ] && mount -t tmpfs -o size=64k duosim "$scratch/tiny" 2>/dev/null; then
    due 'disk full' 4 "No space left"                        "$duosim" run "$good" --set arrivals.requests=2000 --out "$scratch/tiny/x.db"
    [ -z "$(ls -A "$scratch/tiny")" ] || fail 'disk full' "left behind: $(ls -A "$scratch/tiny")"
fi
due 'file too large' 4 'x.db'                                sh -c "ulimit -f 16; exec '$duosim' run '$good' --set arrivals.requests=2000 --out x.db"
if [ -c /dev/full ]; then
    due 'stdout full' 4 'stdout'                             sh -c "exec '$duosim' scenarios quickstart >/dev/full"
fi

echo "$passed passed, $failed failed, $skipped skipped"
[ "$failed" -eq 0 ]
