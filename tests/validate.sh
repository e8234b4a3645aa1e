# validate.sh DUOSIM - the gates on made-up measurements whose right answer is arithmetic; on real ones where DUOSIM_DATA names them.
#
# A device "made" is laid over the catalogue: 100 GB/s, 10 units of 1 GHz; its constants: half of the bandwidth, 10 B a unit and cycle,
# a million cycles a layer, exponent 3; a model "made-model" of 10 layers and hardly any KV.  One GB of weights a token is then
#     ((1 / 50)^3 + (1 / 100)^3)^(1/3) s + 10 x 1 ms = 30.8008 ms: 32.4667 tokens/s.
# With vllm an iteration takes 10 layers x 1 ms and nothing else.
#
# (1) No data: every gate is skipped in words, but that of the machine whose timings ship: exit 0, or 1 where it misses its mark.
# (2) A row on the line has no error; one that says twice the speed is half too slow; its class's mark, missed, gives exit 1.
# (3) A device that is not in the catalogue is predicted by its class, and the report says so; a model that is not, too.
# (4) A server run: TTFT, gap and end by arithmetic; TTFT from scheduled_ts, which lies an iteration ahead from vLLM 0.14 on; another
#     form of sim_config.json.  Unknown hardware, a pipeline: said, not predicted.
# (5) Wrong cells and lines: exit 2 with the place.
# (6) --json is what the man page says.
# (7) The real data: gates run, and --fit finds nothing that ships outside its interval.
# (8) host: a machine timed on four models; each is predicted from the others, one that is slower than they tell misses the mark.
# (9) A broken file ends no other: what can be judged is judged, a line for each broken file, exit 2.
duosim=$(realpath "$1") || exit 2
data=$DUOSIM_DATA
unset DUOSIM_DATA
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT
cd "$work" || exit 2
passed=0 failed=0 skipped=0

# is NAME CONDITION...
is() {
    name=$1
    shift
    if "$@"; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "validate.sh: failed: $name"; fi
}

# validate OPTION...: into out, err; the exit code in $code.
validate() {
    "$duosim" validate --catalogue made "$@" >out 2>err
    code=$?
}

mkdir made data
cat >made/devices.csv <<'EOF'
name,title,class,site,runtime,aliases
made,A device of the test,apple,device,llama.cpp,
EOF
cat >made/hardware.csv <<'EOF'
name,quantity,value,unit,status,low,high,source,url,note
made,fp32,1e18,FLOP/s,documented,,,test,,
made,fp16,1e18,FLOP/s,documented,,,test,,
made,bandwidth,100,GB/s,documented,,,test,,
made,units,10,,documented,,,test,,
made,clock,1e9,1/s,documented,,,test,,
made,memory,100,GB,documented,,,test,,
made,tdp_watts,100,W,documented,,,test,,
EOF
cat >made/models.csv <<'EOF'
name,aliases,family,parameters,layers,width,heads,kv_heads,head_dim,ffn,vocabulary,context,tied,gated,experts,active_experts,expert_ffn,shared_ffn,dense_layers,window,period,positions,image_tokens,image_flop,audio_bytes,audio_flop,document_bytes,status,date,source,note
made-model,,test,1000,10,1,1,1,1,1,2,100000,1,1,0,0,0,0,0,0,0,0,,,,,,documented,2026-11,test,
EOF
cat >made/runtimes.csv <<'EOF'
scope,runtime,quant,quantity,value,unit,status,low,high,date,source,note
made,llama.cpp,,stream,0.5,1,documented,,,2026-11,test,
made,llama.cpp,q4_0,issue,10,B,documented,,,2026-11,test,
made,llama.cpp,,layer_cycles,1e6,,documented,,,2026-11,test,
made,llama.cpp,,sharpness,3,1,documented,,,2026-11,test,
made,vllm,,compute,1,1,documented,,,2026-11,test,
made,vllm,,stream,1,1,documented,,,2026-11,test,
made,vllm,,attend,1,1,documented,,,2026-11,test,
made,vllm,,attend_compute,1,1,documented,,,2026-11,test,
made,vllm,,sharpness,1,1,documented,,,2026-11,test,
made,vllm,,layer,1,ms,documented,,,2026-11,test,
made,vllm,,step,0,us,documented,,,2026-11,test,
made,vllm,,item,0,us,documented,,,2026-11,test,
made,vllm,,runtime_bytes,0,B,documented,,,2026-11,test,
EOF
head='row,device_id,class,device,runtime,backend,model,params_B,quant,weight_GB,prompt_len,gen_len,batch,n_dev,prefill_tok_s,decode_tok_s,power_W,power_scope,J_per_token,single_stream_decode,full_device,peak_bw_GBps'
# table SPEED [MODEL [DEVICE]]
table() {
    printf '%s\n1,%s,apple,A device of the test,llama.cpp,Metal,%s,1,Q4_0,1,0,2,1,1,,%s,,,,1,1,100\n' "$head" "${3:-made}" "${2:-made-model}" "$1" >data/table.csv
}

validate
is '(1) exit' [ $code -eq "$(grep -c MISSED out)" ]
is '(1) words' [ "$(grep -c skipped out)" -ge 6 ]
validate --data nowhere
is '(1) a folder that is not there' [ $code -eq 2 ]

table 32.4667
validate edge-decode --data data
is '(2) exit' [ $code -eq 0 ]
is '(2) no error' grep -q '32.467 *32.467 *[+-]0.0 %' out
table 64.9334
validate edge-decode --data data
is '(2) twice the speed, exit' [ $code -eq 1 ]
is '(2) half too slow' grep -q '64.933 *32.467 *-50.0 %' out
is '(2) missed' grep -q 'MISSED' out
validate edge-decode --data data --brief
is '(2) brief' [ "$(grep -c 64.933 out)" -eq 0 ]

# A machine of 10 GB/s that reads every weight of a token and takes 20 us a layer: what llama-bench would print of it.
bench() {
    echo 'cpu_info,backends,model_filename,model_type,model_size,model_n_params,n_threads,n_prompt,n_gen,avg_ts,stddev_ts'
    for model in SmolLM2-135M,134515008,30 SmolLM2-360M,361821120,32 Qwen2.5-0.5B,494032768,24 Qwen2.5-1.5B,1543714304,28; do
        echo "$model" | awk -F, -v slow="$1" '{
            seconds = $2 * 8.5 / 8 / 10e9 + $3 * 20e-6
            if ($1 ~ /0.5B/) seconds *= slow
            printf "test,CPU,%s-Q8_0.gguf,x 1B Q8_0,%.0f,%s,2,0,128,%.9g,0\n", $1, $2 * 8.5 / 8, $2, 1 / seconds
        }'
    done
}
mkdir timed
bench 1 >bench.csv
"$duosim" calibrate --from bench.csv --name timed --memory 8 --out timed >out 2>err || cat err
validate host --data timed
is '(8) exit' [ $code -eq 0 ]
is '(8) each model is predicted from the others' [ "$(grep -c ' decode 128 behind 0,' out)" -eq 8 ]
is '(8) held' grep -q '^host  *all .* held' out
bench 1.3 >bench.csv
"$duosim" calibrate --from bench.csv --name timed --memory 8 --out timed >out 2>err || cat err
validate host --data timed --json
is '(8) one that is slower than the others tell, exit' [ $code -eq 1 ]
echo 'model,quant' >timed/samples.csv
validate host --data timed
is '(8) a table that is none' [ $code -eq 2 ]

table 32.4667 nobody-9b
validate edge-decode --data data
is '(3) a model that nobody knows' grep -q 'model nobody-9b is not in the catalogue' out
table 32.4667 made-model nobody
sed -i 's/A device of the test/Nobody/' data/table.csv
validate edge-decode --data data
is '(3) a device that nobody knows' grep -q 'device Nobody is not in the catalogue: its class' out
is '(3) is predicted all the same' grep -q '^edge-decode *apple' out
grep ' made-model Q4_0' out >by_class
sed -i 's/nobody,apple/nobody,phone/' data/table.csv
validate edge-decode --data data
is "(3) a phone's Metal is a Mac's, not a phone's CPU" [ "$(grep ' made-model Q4_0' out)" = "$(cat by_class)" ]
is '(3) judged among phones' grep -q '^edge-decode *phone' out
table 32.4667
sed -i 's/Q4_0,1,0,2,1,1,/Q4_0,,0,2,1,,/' data/table.csv
validate edge-decode --data data
is '(3) weights that are not told' grep -q 'weights of made-model Q4_0 are not told: by the format' out
sed -i 's/,1,1,100$/,0,1,100/; s/Q4_0/Q4_9/' data/table.csv
validate edge-decode --data data
is '(3) a row that no gate takes' grep -q '1 row is not predicted: neither one stream nor a batch of vLLM (line 2)' out

mkdir -p data/vllm-groundtruth/made_run
rm data/table.csv
cat >data/vllm-groundtruth/made_run/meta.json <<'EOF'
{ "model": "made-model", "vllm_version": "0.9.0", "engine_kwargs": { "model": "made-model", "tensor_parallel_size": 1, "max_num_seqs": 4, "max_num_batched_tokens": 64, "dtype": "bfloat16", "kv_cache_dtype": "auto" } }
EOF
# Two requests one after the other: 100 tokens in two chunks of at most 64, then 3 tokens; 10 tokens in one.
request='{"request_id": "a", "input_toks": 100, "output_toks": 3, "arrival_time": 5.0, "queued_ts": 1.0, "scheduled_ts": 1.0, "first_token_ts": 1.02, "last_token_ts": 1.04}'
other='{"request_id": "b", "input_toks": 10, "output_toks": 2, "arrival_time": 6.0, "queued_ts": 2.0, "scheduled_ts": 2.0, "first_token_ts": 2.01, "last_token_ts": 2.02}'
printf '%s\n%s\n' "$request" "$other" >data/vllm-groundtruth/made_run/requests.jsonl
echo '{ "nodes": [ { "instances": [ { "hardware": "made", "npu_mem": { "mem_util": 0.9 } } ] } ] }' >data/vllm-groundtruth/made_run/sim_config.json
validate vllm --data data
is '(4) exit' [ $code -eq 0 ]
is '(4) TTFT of two chunks' grep -q 'request 0: 100 in, 3 out, at 0.00 s *0.02  *0.02 ' out
is '(4) end of the other' grep -q 'request 1: 10 in, 2 out, at 1.00 s *0.02  *0.02 ' out
is '(4) gap' grep -q 'request 0: 100 in, 3 out, at 0.00 s *0.01  *0.01 ' out
# Two sequences at a time.  The first ends at 30 ms; the third is taken then, into the iteration from 40 to 50 ms.
run=data/vllm-groundtruth/made_run
cp $run/meta.json $run/requests.jsonl $run/sim_config.json .
sed -i 's/"max_num_seqs": 4/"max_num_seqs": 2/; s/0.9.0/0.19.0/' $run/meta.json
echo '{ "machine": [ { "gpu": { "hardware": "made" } } ] }' >$run/sim_config.json
for rest in '3, "queued_ts": 1.0, "scheduled_ts": 1.0, "first_token_ts": 1.01, "last_token_ts": 1.03' \
    '9, "queued_ts": 1.0, "scheduled_ts": 1.0, "first_token_ts": 1.01, "last_token_ts": 1.09' \
    '2, "queued_ts": 1.01, "scheduled_ts": 1.03, "first_token_ts": 1.05, "last_token_ts": 1.06'; do
    echo "{\"input_toks\": 10, \"output_toks\": $rest}"
done >$run/requests.jsonl
validate vllm --data data
awk '/made_run: TTFT, no queue/ { here = 1 } here' out >queue
is '(4) scheduled an iteration ahead' grep -q 'request 2: .* 0.02  *0.02 ' queue
is '(4) an idle engine runs it at once' grep -q 'request 0: .* 0.01  *0.01 ' queue
sed -i 's/"max_num_seqs"/"pipeline_parallel_size": 2, "max_num_seqs"/' $run/meta.json
validate vllm --data data
is '(4) a pipeline' grep -q 'made_run: not predicted: pipeline_parallel_size 2' out
cp meta.json requests.jsonl sim_config.json $run
sed -i 's/"made", "npu/"unheard-of", "npu/' data/vllm-groundtruth/made_run/sim_config.json
validate vllm --data data
is '(4) unknown hardware' grep -q 'made_run: not predicted: unheard-of is not in the catalogue' out
is '(4) unknown hardware, exit' [ $code -eq 0 ]

printf '%s\n{"input_toks": 3}\n' "$request" >data/vllm-groundtruth/made_run/requests.jsonl
validate vllm --data data
is '(5) a line without a key' grep -q 'requests.jsonl:2.*output_toks: a number expected' err
is '(5) exit' [ $code -eq 2 ]
printf '{"input_toks": 3\n' >data/vllm-groundtruth/made_run/requests.jsonl
validate vllm --data data
is '(5) a line that is no JSON' [ $code -eq 2 ]
sed -i 's/"max_num_seqs": 4/"max_num_seqs": 0/' data/vllm-groundtruth/made_run/meta.json
validate vllm --data data
is '(5) no sequence' grep -q 'meta.json: .*max_num_seqs.*at least 1' err
rm -r data/vllm-groundtruth
table fast
validate edge-decode --data data
is '(5) a word for a number' grep -q 'table.csv:2:[0-9]*: .*decode_tok_s' err
is '(5) exit of it' [ $code -eq 2 ]
table -3
validate edge-decode --data data
is '(5) a negative speed' [ $code -eq 2 ]
table fast
cp data/table.csv data/another.csv
table 32.4667
mkdir -p data/vllm-groundtruth/half_run
echo '{' >data/vllm-groundtruth/half_run/meta.json
: >data/vllm-groundtruth/half_run/requests.jsonl
validate edge-decode vllm --data data
is '(9) exit' [ $code -eq 2 ]
is '(9) the good table is judged' grep -q '32.467 *32.467 *[+-]0.0 %' out
is '(9) a line each' [ "$(wc -l <err)" -eq 2 ]
is '(9) the broken table' grep -q 'another.csv:2:[0-9]*: .*decode_tok_s' err
is '(9) the broken run' grep -q 'half_run/meta.json' err
is '(9) nothing of its rows' [ "$(grep -c ' made-model Q4_0' out)" -eq 1 ]
rm -r data/vllm-groundtruth data/another.csv
validate edge-decoed --data data
is '(5) a gate that is none' grep -q 'did you mean edge-decode' err

table 32.4667
validate edge-decode --data data --json
for key in gate data rows fitted_on metric median_error p90_error mark held domain misses; do
    is "(6) $key" grep -q "\"$key\":" out
done

if [ -n "$data" ] && [ -d "$data" ]; then
    "$duosim" validate --data "$data" --brief >out 2>err
    code=$?
    is '(7) runs' [ $code -le 1 ]
    is '(7) constants within their fits' [ "$(grep -c OUTSIDE out)" -eq 0 ]
    is '(7) vllm is judged' grep -q '^vllm' out
    is '(7) decode is judged' [ "$(grep -c '^edge-decode  *[a-z].* held' out)" -ge 5 ]
    cat out
else
    skipped=1
    echo 'validate.sh: skipped: the real measurements (DUOSIM_DATA is not set)'
fi
echo "$passed passed, $failed failed, $skipped skipped"
[ $failed -eq 0 ]
