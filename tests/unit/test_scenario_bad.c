/* test_scenario_bad.c - what sim/scenario.h and sim/yaml_tree.h refuse, where, and in which words; a fuzz loop. */
#include "policies/policy.h"
#include "sim/base/rng.h"
#include "tests/unit/scenario_text.h"

static char other_file[64];

/* ---- (1) errors with line and column --------------------------------------------------------------- */

#define PLACE "hardware: h100-sxm, model: llama-3.1-8b"
#define DEVICE "hardware: pi5, model: llama-3.2-1b"
#define VOICES "voices: { small: {}, large: {} }"

/* `instead` of a line of `base` (or the whole file); @ marks where the error must be. */
static const struct bad { int line; const char *instead, *says; } bads[] = {
    /* YAML */
    { WHOLE, "@", "the file is empty" },
    { WHOLE, "@# only a comment\n", "empty" },
    { WHOLE, "@just a word", "expected a map" },
    { WHOLE, "@[ 1, 2 ]", "expected a map" },
    { WHOLE, "name: x\n@---\nname: y", "second document" },
    { WHOLE, "a: [ 1, 2\n@", "not YAML" },
    { WHOLE, "name: x\n@\tseed: 3", "not YAML" },
    { WHOLE, "? @[a, b]\n: 3", "a key must be a word" },
    { WHOLE, "note: &here@ x", NULL },
    { MORE, "seed: @*x", "aliases" },
    { MORE, "seed: @!!int 3", "tags" },
    { MORE, "<<@: { seed: 3 }", NULL },
    { MORE, "note: @\"a\\0b\"", "zero byte" },
    { MORE, "note: [[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[@[[[[]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]", "nested too deeply" },
    { MORE, "@name: again", "name: given twice (first in line 1)" },
    { CELLS, "cells: { up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms, @up: 2 Mbit/s }", "up: given twice" },
    /* keys */
    { MORE, "@seeds: 7", "unknown key seeds (did you mean seed?)" },
    { MORE, "@nonsense_key: 7", "unknown key nonsense_key; expected one of name, note, seed" },
    { ARRIVALS, "arrivals: { process: poisson, @rat: 1/s, requests: 20 }", "arrivals: unknown key rat (did you mean rate?)" },
    { CELLS, "cells:\n  up: 10 Mbit/s\n  @dwon: 20 Mbit/s\n  rtt: 40 ms", "did you mean down?" },
    { PLACES, "places:\n  - { name: cloud, " PLACE " }\n  - { name: edge, @replica: 3, " PLACE " }", "places.edge: unknown key replica (did you mean replicas?)" },
    { ANSWERS, "answers: { synthetic: { voices: { small: { @abilty: 1 } } } }", "answers.synthetic.voices.small: unknown key abilty (did you mean ability?)" },
    { MORE, "transport: { @mesage: 300 B }", "did you mean message?" },
    { MORE, "transport: { protocol: @tls1.4 }", "expected none, tcp, tls1.2, tls1.3 or quic; got tls1.4 (did you mean tls1.2?)" },
    { MORE, "transport: { protocol: quic, @trips: 2 }", "trips and protocol exclude each other" },
    { MORE, "transport: { @again: cold }", "again is of a protocol, and there is none" },
    { MORE, "transport: { window: @0 }", "transport.window: expected 1 to" },
    { MORE, "transport: { window: @10 kB }", "expected unlimited, or a whole number" },
    { MORE, "transport: { segment: @0 B }", "transport.segment: expected 1 B to" },
    { MORE, "transport: { queue: @lifo }", "expected shared or fifo; got lifo" },
    { MORE, "slo: { @tftt: 1 s }", "did you mean ttft?" },
    { ARRIVALS, "# none", NULL },
    /* dimensions, ranges */
    { CELLS, "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: @40 }", "cells.rtt: expected a time, like 40 ms; got 40, without a unit" },
    { CELLS, "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: @40 Mbit/s }", "expected a time, like 40 ms; got 40 Mbit/s" },
    { CELLS, "cells: { up: @10 ms, down: 20 Mbit/s, rtt: 40 ms }", "cells.up.rate: expected unlimited, or a bit rate" },
    { CELLS, "cells: { up: @-10 Mbit/s, down: 20 Mbit/s, rtt: 40 ms }", "negative" },
    { CELLS, "cells: { up: @[ 1 ], down: 20 Mbit/s, rtt: 40 ms }", "expected a rate" },
    { CELLS, "cells: { up: @{}, down: 20 Mbit/s, rtt: 40 ms }", "expected a rate" },
    { CELLS, "cells: { up: { @rate: 1 Mbit/s, trace: good.yaml }, down: 1 Mbit/s, rtt: 40 ms }", "exclude each other" },
    { CELLS, "cells: { up: { rate: 1 Mbit/s, @offset: random }, down: 1 Mbit/s, rtt: 40 ms }", "offset is for a trace" },
    { CELLS, "cells: { up: { trace: @no/such.trace }, down: 1 Mbit/s, rtt: 40 ms }", "cells.up.trace: no such file: " },
    { CELLS, "cells: { up: { trace: @$DUOSIM_DATA/x }, down: 1 Mbit/s, rtt: 40 ms }", "set DUOSIM_DATA" },
    { CELLS, "cells: { up: { trace: @$HOME/x }, down: 1 Mbit/s, rtt: 40 ms }", "only $DUOSIM_DATA" },
    { CELLS, "cells: { up: { trace: @. }, down: 1 Mbit/s, rtt: 40 ms }", "a directory" },
    { CELLS, "cells: @{ up: 10 Mbit/s, down: 20 Mbit/s }", "cells.rtt: is missing" },
    { CELLS, "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: @lognormal(40, 0.3) }", "expected a time, like 40 ms; got 40, without a unit" },
    { CELLS, "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: @normal(40 ms, 0.3) }", "expected uniform or lognormal; got normal" },
    { CELLS, "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: @uniform(40 ms, 20 ms) }", "HIGH from LOW" },
    { CELLS, "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: { trace: @no/such.csv } }", "cells.rtt.trace: no such file: " },
    { CELLS, "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: @{ offset: random } }", "cells.rtt.trace: is missing" },
    { CELLS, "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: @[ 1 ms ] }", "lognormal(MEAN, CV), or { trace: FILE }; got a list" },
    { CELLS, "cells: { up: 10 Mbit/s, down: 20 Mbit/s, rtt: 1 ms, loss: @60 % }", "cells.loss: expected 0 % to 50 %; got 60 %" },
    { CELLS, "cells: { count: @0, up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms }", "cells.count: expected 1 to" },
    { CELLS, "cells: { count: @2.5, up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms }", "a whole number" },
    { CELLS, "cells: { up: 1 Mbit/s, down: 1 Mbit/s, rtt: @inf }", "cells.rtt: expected 0 s or more; got inf" },
    { CELLS, "cells: { up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms, outages: [ { from: 2 s, to: @1 s } ] }", "after `from`" },
    { CELLS, "cells: { up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms, outages: [ { from: 2 s, to: 3 s, cell: @1 } ] }", "below count (1)" },
    { CELLS, "cells: { up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms, outages: @{ from: 2 s } }", "expected a list of maps" },
    { CELLS, "cells: @{ up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms, joules_up: 1e-6 }", "go together" },
    { CELLS, "cells: { up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms, radio: lte, @joules_up: 1e-6, joules_down: 0 }", "exclude" },
    { ARRIVALS, "arrivals: { process: poisson, rate: @nan, requests: 20 }", "expected a rate, like 40/s; got nan" },
    { ARRIVALS, "arrivals: { process: poisson, rate: @0/s, requests: 20 }", "expected more than 0" },
    { ARRIVALS, "arrivals: { process: poisson, rate: @-1/s, requests: 20 }", "which is negative" },
    { ARRIVALS, "arrivals: { process: @poison, rate: 1/s, requests: 20 }", "expected poisson, gamma, uniform or at_once; got poison (did you mean poisson?)" },
    { ARRIVALS, "arrivals: { process: @[poisson], rate: 1/s, requests: 20 }", "expected poisson, gamma, uniform or at_once; got a list" },
    { ARRIVALS, "arrivals: { process: poisson, rate: 1/s, requests: @-3 }", "expected all, or a whole number" },
    { ARRIVALS, "arrivals: @{ process: poisson, requests: 20 }", "rate is missing" },
    { ARRIVALS, "arrivals: @{ process: poisson, rate: 1/s }", "requests is missing" },
    { ARRIVALS, "arrivals: { process: poisson, rate: 1/s, requests: @all }", "never ends" },
    { ARRIVALS, "arrivals: @{ process: gamma, rate: 1/s, requests: 3 }", "cv is missing" },
    { ARRIVALS, "arrivals: { process: poisson, rate: 1/s, requests: 3, @cv: 2 }", "gamma only" },
    { ARRIVALS, "arrivals: { process: at_once, @rate: 1/s, requests: 3 }", "no meaning" },
    { ARRIVALS, "arrivals: { process: poisson, rate: 1/s, requests: 3, lengths: @trace }", "needs a trace" },
    { ARRIVALS, "arrivals: { process: poisson, rate: 1/s, requests: 3, lengths: @nowhere.csv }", "no such file" },
    { ARRIVALS, "arrivals: @{ rate: 1/s, requests: 3 }", "expected process" },
    { ARRIVALS, "arrivals: { @process: poisson, trace: good.yaml }", "exclude each other" },
    { ARRIVALS, "arrivals: { trace: good.yaml, @rate: 1/s }", "rate is for a process" },
    { ARRIVALS, "arrivals: { trace: good.yaml, requests: @0 }", "expected all" },
    { DEVICES, "devices: { share: @1.5, " DEVICE " }", "devices.share: expected a share from 0 to 1" },
    { DEVICES, "devices: @[ { share: 0, " DEVICE " }, { share: 0, " DEVICE " } ]", "sum above 0" },
    { DEVICES, "devices: @[ { share: 1, " DEVICE " }, { " DEVICE " } ]", "every class or to none" },
    { DEVICES, "devices: @[]", "at least one class" },
    { DEVICES, "devices: @3", "expected a list of maps, or one map; got 3" },
    { DEVICES, "devices: @{ hardware: pi5 }", "devices.model: is missing" },
    { DEVICES, "devices: { battery: @15 W, " DEVICE " }", "expected mains, or an energy, like 15 Wh" },
    { DEVICES, "devices: { @charge: 5 W, " DEVICE " }", "charge is for a battery, and there is none" },
    { DEVICES, "devices: { battery: 5 Wh, charge: @5 Wh, " DEVICE " }", "expected a power, like 5 W" },
    { DEVICES, "devices: { background: @1, " DEVICE " }", "devices.background: expected 0 % to 99 %" },
    { DEVICES, "devices: { load: @hot, " DEVICE " }", "expected warm or cold; got hot" },
    { DEVICES, "devices: { @load_time: 3 s, " DEVICE " }", "load_time has a meaning with load: cold only" },
    { DEVICES, "devices: [ { name: a, " DEVICE " }, @{ name: a, " DEVICE " } ]", "two classes are called a" },
    { DEVICES, "devices: @{ name: cloud, " DEVICE " }", "a place has the same name" },
    { DEVICES, "devices: { name: @a/b, " DEVICE " }", "expected a name without" },
    { DEVICES, "devices: { cost: { bandwidth: @fast }, " DEVICE " }", "devices.cost.bandwidth: expected a number" },
    { PLACES, "places: @[ { name: edge, " PLACE " } ]", "one must be called cloud" },
    { PLACES, "places: [ { name: cloud, " PLACE " }, { name: @device, " PLACE " } ]", "device is reserved" },
    { PLACES, "places: [ { name: cloud, " PLACE " }, @{ name: cloud, " PLACE " } ]", "two are called cloud" },
    { PLACES, "places: [ @{ name: cloud, model: llama-3.1-8b } ]", "hardware is missing" },
    { PLACES, "places: [ { name: cloud, replicas: @0, " PLACE " } ]", "places.cloud.replicas: expected a number of replicas of 1 to 1000000, like 2, or a range, like 1..8; got 0" },
    { PLACES, "places: [ { name: cloud, replicas: @8..2, " PLACE " } ]", "or a range, like 1..8; got 8..2" },
    { PLACES, "places: [ { name: cloud, replicas: @1.5, " PLACE " } ]", "got 1.5" },
    { PLACES, "places: [ { name: cloud, replicas: @1..many, " PLACE " } ]", "got 1..many" },
    { PLACES, "places: [ { name: cloud, replicas: 3, @cold_start: 4 s, " PLACE " } ]", "cold_start needs a range of replicas" },
    { PLACES, "places: [ { name: cloud, replicas: 1..3, cold_start: @lod, " PLACE " } ]", "expected load, or a time" },
    { PLACES, "places: [ { name: cloud, @errors: 3 %, " PLACE " } ]", "errors is for an API (api: NAME)" },
    { PLACES, "places: [ { name: cloud, @ttft: 1 s, " PLACE " } ]", "ttft is for an API" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, @replicas: 2 } ]", "replicas is for a place of our own, not for an API" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, @batch: 2 } ]", "batch is for a place of our own" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, @model: gpt-4o } ]", "api and model exclude each other" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, @hardware: l4 } ]", "api and hardware exclude each other" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, site: @edge } ]", "a place with api: is at site api" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, ttft: @0.5 } ]", "expected a time, like 40 ms; got 0.5, without a unit" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, ttft: @'lognormal(0.5 s)' } ]", "lognormal(MEAN, CV)" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, rate: @0/s } ]", "expected a rate of 0.001 to 1e+06" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, rate: @'uniform(90/s, 70/s)' } ]", "HIGH from LOW" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, limit: @500 } ]", "expected none, or a rate" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, limit: @0/s } ]", "expected more than 0" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, @burst: 5 } ]", "burst needs a limit" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, errors: @120 % } ]", "a share from 0 to 1" },
    { PLACES, "places: [ { name: cloud, api: gpt-4o, @backoff: 1 s } ]", "backoff needs retries" },
    { PLACES, "places: [ @{ name: cloud, hardware: l4 } ]", "model is missing" },
    { CELLS, "cells: { up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms, price: @5 }", "expected a price of data, like $5/GB; got 5" },
    { CELLS, "cells: { up: 1 Mbit/s, down: 1 Mbit/s, rtt: 1 ms, price: @$0/GB }", "expected more than $0" },
    { DEVICES, "devices: { " DEVICE ", energy_price: @$3/h }", "expected a price of energy, like $0.30/kWh" },
    { MORE, "money: @reserve", "expected used or reserved; got reserve (did you mean reserved?)" },
    { ARRIVALS, "arrivals: { process: poisson, rate: 1/s, requests: 3, @prefill: as_spoken }", "prefill needs speech" },
    { ARRIVALS, "arrivals: { process: poisson, rate: 1/s, requests: 3, speech: 3/s, @piece: 1 s }", "piece needs prefill: as_spoken" },
    { ARRIVALS, "arrivals: { process: poisson, rate: 1/s, requests: 3, speech: @3 }", "expected none, or a rate" },
    { ANSWERS, "answers: { synthetic: { voices: { small: { thinking: @0 } } } }", "expected a length of 1 to 1e+07" },
    { PLACES, "places: [ { name: cloud, load: @100 %, " PLACE " } ]", "expected 0 % to 99 %; got 100 %" },
    { PLACES, "places: [ { name: cloud, site: @clod, " PLACE " } ]", "did you mean cloud?" },
    { PLACES, "places: [ { name: cloud, batch: @0, " PLACE " } ]", "places.cloud.batch: expected 1" },
    { PLACES, "places: [ { name: cloud, block: @0, " PLACE " } ]", "places.cloud.block: expected 1" },
    { PLACES, "places: [ { name: cloud, chunk: @0, " PLACE " } ]", "places.cloud.chunk: expected 1" },
    { PLACES, "places: [ { name: cloud, scheduling: @prority, " PLACE " } ]", "did you mean priority?" },
    { PLACES, "places: [ { name: cloud, balancer: @round-robin, " PLACE " } ]", "did you mean round_robin?" },
    { PLACES, "places: [ { name: cloud, batch: @, " PLACE " } ]", "expected a whole number; got nothing" },
    /* answers */
    { ANSWERS, "answers: @{ roles: {} }", "expected recorded: FILE, synthetic:" },
    { ANSWERS, "answers: { @synthetic: { " VOICES " }, recorded: good.yaml }", "exclude each other" },
    { ANSWERS, "answers: { synthetic: { " VOICES " }, @fill: { confidence: {} } }", "fill is for recorded answers" },
    { ANSWERS, "answers: { synthetic: { voices: @{} } }", "expected a map of voices" },
    { ANSWERS, "answers: { executed: @pairs }", "expected pair, the models that ship, or { voices: { NAME: FILE.gguf } }; got pairs" },
    { ANSWERS, "answers: { executed: { voices: @{} } }", "expected a map of models" },
    { ANSWERS, "answers: { executed: { voices: { edge: @nowhere.gguf } } }", "answers.executed.voices.edge: no such file" },
    { ANSWERS, "answers: { executed: { voices: { edge: @nowhere.gguf@2 } } }", "answers.executed.voices.edge: no such file" },
    { ANSWERS, "answers: { executed: { voices: { edge: good.yaml }, @task: good.yaml } }", "unknown key task (did you mean tasks?)" },
    { ANSWERS, "answers: { executed: { voices: { edge: good.yaml } }, @fill: { confidence: {} } }", "fill is for recorded answers; these are executed" },
    { ANSWERS, "answers: { @recorded: good.yaml, executed: { voices: { edge: good.yaml } } }", "recorded and executed exclude each other" },
    { ANSWERS, "answers: { synthetic: @{ slope: 1 } }", "voices: is missing" },
    { ANSWERS, "answers: { synthetic: { " VOICES " }, roles: { device: @smal } }", "no voice is called smal (did you mean small?)" },
    { ANSWERS, "answers: { synthetic: { " VOICES " }, roles: { clod: @small } }", "did you mean cloud?" },
    { ANSWERS, "answers: { synthetic: { voices: { small: { length: @uniform(20, 10) } } } }", "HIGH from LOW" },
    { ANSWERS, "answers: { synthetic: { voices: { small: { length: @uniform(20) } } } }", "expected a number, uniform(LOW, HIGH)" },
    { ANSWERS, "answers: { synthetic: { voices: { small: { length: @normal(20, 3) } } } }", "expected uniform or lognormal; got normal" },
    { ANSWERS, "answers: { synthetic: { voices: { small: { length: @0 } } } }", "a length of 1 to" },
    { ANSWERS, "answers: { synthetic: { voices: { small: { auc: @0.4 } } } }", "auc: expected 0.5 to 0.999; got 0.4" },
    { ANSWERS, "answers: { synthetic: { " VOICES ", prompt_bytes: @uniform(2, 42 kB) } }", "an amount of data" },
    { ANSWERS, "answers: { synthetic: @{ " VOICES ", attachment: image } }", "attachment_bytes is missing" },
    { ANSWERS, "answers: { recorded: good.yaml, tokens: @words/4 }", "like chars/4" },
    { ANSWERS, "answers: { recorded: good.yaml, tokens: chars/4, @chars_per_token: 4 }", "exclude" },
    { ANSWERS, "answers: { recorded: good.yaml, accepts: @{ file: good.yaml } }", "answers.accepts.drafter: is missing" },
    { ANSWERS, "answers: { recorded: good.yaml, fill: { @confidance: {} } }", "did you mean confidence?" },
    { ANSWERS, "answers: { recorded: @missing.csv }", "no such file" },
    /* policies */
    { POLICIES, "policies: @[]", "expected a list of policies" },
    { POLICIES, "policies: @edge_only", "expected a list of policies" },
    { POLICIES, "policies: [ edge_only, @edge_only ]", "tell them apart with as:, like { use: edge_only, as: edge_only_2 }" },
    { POLICIES, "policies: [ @{ floor: 0.5 } ]", "use is missing" },
    { POLICIES, "policies: [ { use: cascade, floor: @[ 1 ] } ]", "policies.0.floor: expected one value; got a list" },
    { POLICIES, "policies: [ { use: cascade, seat: @cloud } ]", "expected device or gateway; got cloud" },
    { POLICIES, "policies: [ { use: cascade, as: @a.b } ]", "one word" },
    { POLICIES, "policies: [ edge_only, @{ use: mix, of: cascade } ]", "no policy is called cascade" },
    { POLICIES, "policies: [ edge_only, { use: mix, as: a, of: edge_only }, @{ use: mix, as: b, of: a } ]", "can't be made of a mix" },
    { POLICIES, "policies: [ @{ use: mix } ]", "of is missing" },
    { POLICIES, "policies: [ { use: cascade, of: @x } ]", "of is for use: mix" },
    { POLICIES, "policies: [ { decisions: { @use: x } } ]", "given twice" },
    { POLICIES, "policies: [ { use: cascade, @pipe: [sh] } ]", "either use or pipe" },
    { POLICIES, "policies: [ { pipe: @[] } ]", "expected a command" },
    { POLICIES, "policies: [ { pipe: [ @[ sh ] ] } ]", "expected a word of the command" },
    { POLICIES, "policies: [ { pipe: @\"python3 'my router.py\" } ]", "a quote is not closed" },
    { POLICIES, "policies: [ { mine: { @pipe: [sh] } } ]", "given twice" },
    /* the rest */
    { MORE, "seed: @-1", "expected a seed" },
    { MORE, "seed: @5..1", "expected a seed" },
    { MORE, "seed: @[]", "at least one seed" },
    { MORE, "seed: [ 1, 4, @1 ]", "the seed 1 is there twice" },
    { MORE, "seed: @1..1000000", "at most 10000 seeds" },
    { MORE, "until: @0 s", "until: expected more than 0 s; got 0 s" },
    { MORE, "until: 5 s\nwarmup: @6 s", "warmup: expected less than until" },
    { MORE, "max_tokens: @0", "expected 1 to" },
    { MORE, "status: @0 s", "status: expected 1 ms to" },
    { MORE, "slo: { ttft: @1 }", "without a unit" },
    { MORE, "wan: { up: @fast }", "wan.up.rate: expected unlimited, or a bit rate" },
    { MORE, "variants: @3", "variants: expected a map" },
    { MORE, "variants: { a: @3 }", "variants.a: expected a map" },
    { MORE, "variants: { a: { @variants: {} } }", "can't differ" },
    { MORE, "variants: { a: { @expect: { failed: 0 } } }", "write VARIANT/LABEL.COLUMN" },
    { MORE, "variants: { a: { cells: { @rttt: 3 ms } } }", "did you mean rtt?" },
    { MORE, "variants: { a: { places: { @clud: { load: 0.5 } } } }", "did you mean cloud?" },
    { MORE, "variants: { @a/b: {} }", "without /" },
    { MORE, "expect: @[]", "expected a map" },
    { MORE, "expect: { failed: @about 3 }", "expected a number, LOW .. HIGH" },
    { MORE, "expect: { failed: @nan }", "expected a number" },
    { MORE, "expect: { failed: @\">= nan\" }", "expected a number" },
    { MORE, "expect: { failed: @3 .. 1 }", "LOW first" },
    { MORE, "expect: { failed: @\">=\" }", "expected a number" },
    { MORE, "expect: { failed: @\"<= two * edge_only.failed\" }", "expected a number" },
    { MORE, "expect: { @edg_only.quality: 1 }", "no policy is called edg_only (did you mean edge_only?)" },
    { MORE, "expect: { @edge_only.quality: \">= cloudonly.quality\" }", "did you mean cloud_only?" },
    { MORE, "expect: { @wifi/edge_only.quality: 1 }", "no variant is called wifi" },
    { MORE, "variants: { wifi: {} }\nexpect: { @wfi/failed: 1 }", "did you mean wifi?" },
    { MORE, "expect: { @Failed: 1 }", "expected [VARIANT/][LABEL.]COLUMN" },
};

/* The text with the mark taken out; where it was. */
static char *unmarked(const struct bad *b, int *line, int *column)
{
    char *text = duo_new(4096, 1), *to = text;
    for (int i = 0; i < (b->line == WHOLE ? 1 : LINES); i++)
        to += sprintf(to, "%s%s", b->line == WHOLE || i == b->line ? b->instead : base[i], b->line == WHOLE ? "" : "\n");
    char *mark = strchr(text, '@');
    *line = *column = 1;
    for (char *c = text; mark && c < mark; c++) {
        ++*column;
        if (*c == '\n') ++*line, *column = 1;
    }
    if (mark) memmove(mark, mark + 1, strlen(mark));
    return text;
}

static void test_bad(void)
{
    int tried = 0;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        int line, column;
        char *text = unmarked(&bads[i], &line, &column);
        struct duo_plan plan;
        struct duo_err err;
        if (!bads[i].says) {                              /* refused somewhere in words */
            CHECK_INT(read_text(&plan, text, NULL, 0, &err), DUO_BAD_INPUT);
            CHECK(err.text[0] && err.line > 0);
            free(text);
            continue;
        }
        tried++;
        int before = check_failed;
        CHECK_INT(read_text(&plan, text, NULL, 0, &err), DUO_BAD_INPUT);
        CHECK_TEXT(err.file, file);
        CHECK_INT(err.line, line);
        CHECK_INT(err.column, column);
        CHECK_HAS(err.text, bads[i].says);
        CHECK_INT(plan.n_variants, 0);
        if (check_failed > before) printf("  of: %s\n  got %d:%d: %s\n", bads[i].instead, err.line, err.column, err.text);
        duo_plan_free(&plan);
        free(text);
    }
    CHECK(tried >= 60);
}

static void test_files(void)
{
    struct duo_plan plan;
    struct duo_err err = { 0 };
    CHECK_INT(duo_plan_read(&plan, "/no/such/file.yaml", NULL, 0, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "no such file");
    CHECK_TEXT(err.file, "/no/such/file.yaml");
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_plan_read(&plan, folder, NULL, 0, &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "is a folder");
    err = (struct duo_err){ 0 };
    write_to(file, "name: x\nseed: \377\376\n", 17);
    CHECK_INT(duo_plan_read(&plan, file, NULL, 0, &err), DUO_BAD_INPUT);
    CHECK_INT(err.line, 2);
    CHECK_HAS(err.text, "not YAML");
}

static void test_bad_settings(void)
{
    static const struct { const char *set, *file, *says; } cases[] = {
        { "cells.rtt",               "",                            "expected KEY=VALUE" },
        { "=3",                      "",                            "expected KEY=VALUE" },
        { "cells..rtt=3",            "",                            "a key is empty" },
        { ".cells=3",                "",                            "a key is empty" },
        { "cells.rtt=3 Mbit/s",      "--set cells.rtt=3 Mbit/s",    "cells.rtt: expected a time, like 40 ms; got 3 Mbit/s" },
        { "cells.rt=3 s",            "--set cells.rt=3 s",          "did you mean rtt?" },
        { "cells.rtt=[",             "--set cells.rtt=[",           "not YAML" },
        { "places.clud.load=0.5",    "--set places.clud.load=0.5",  "did you mean cloud?" },
        { "places.7.load=0.5",       "--set places.7.load=0.5",     "no item of that name or number" },
        { "policies.edge_onyl.x=1",  "--set policies.edge_onyl.x=1", "did you mean edge_only?" },
        { "variants=3",              "--set variants=3",            "expected a map" },
    };
    char *text = base_text(MORE, "");
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct duo_plan plan;
        struct duo_err err;
        CHECK_INT(read_text(&plan, text, &cases[i].set, 1, &err), DUO_BAD_INPUT);
        CHECK_TEXT(err.file, cases[i].file);
        CHECK_HAS(err.text, cases[i].says);
    }
    free(text);
}

/* ---- policies on the command line -------------------------------------------------------------------- */

static void test_command_line(void)
{
    struct duo_policy_spec p;
    struct duo_err err = { 0 };
    CHECK_INT(duo_policy_spec_parse(&p, "cascade:floor=0.8,as=c8,seat=gateway,weak=edge", &err), DUO_OK);
    CHECK_TEXT(p.use, "cascade");
    CHECK_TEXT(p.label, "c8");
    CHECK_INT(p.seat, DUO_SEAT_GATEWAY);
    CHECK_INT(p.n_params, 2);
    CHECK_TEXT(p.params[1].key, "weak");
    CHECK_TEXT(p.params[1].value, "edge");
    duo_policy_spec_free(&p);
    CHECK_INT(duo_policy_spec_parse(&p, "../x/mine.so", &err), DUO_OK);
    CHECK_TEXT(p.use, "../x/mine.so");
    CHECK_TEXT(p.label, "mine");
    CHECK_INT(p.seat, -1);
    duo_policy_spec_free(&p);
    CHECK_INT(duo_policy_spec_parse(&p, "mix:of=cascade", &err), DUO_OK);
    CHECK_TEXT(p.of, "cascade");
    duo_policy_spec_free(&p);
    CHECK_INT(duo_policy_spec_parse(&p, "pipe:python3 -u 'far/my router.py' \"a, b\" --x,floor=0.8,as=m", &err), DUO_OK);
    CHECK_INT(p.n_command, 5);
    CHECK_TEXT(p.command[2], "far/my router.py");
    CHECK_TEXT(p.command[3], "a, b");
    CHECK(p.command[5] == NULL);
    CHECK(p.here);
    CHECK_TEXT(p.label, "m");
    CHECK_INT(p.n_params, 1);
    CHECK_TEXT(p.params[0].value, "0.8");
    duo_policy_spec_free(&p);
    CHECK_INT(duo_policy_spec_parse(&p, "pipe:python3 -u far/mine.py", &err), DUO_OK);
    CHECK_TEXT(p.use, "pipe:python3 -u far/mine.py");
    CHECK_TEXT(p.label, "mine");
    duo_policy_spec_free(&p);
    static const struct { const char *text, *says; } bad[] = {
        { "pipe:", "expected a command" }, { "pipe:,as=x", "expected a command" }, { "pipe:sh 'a", "a quote is not closed" }, { "pipe:sh a,b", "expected NAME:KEY=VALUE" },
        { "pipe:sh a,pipe=b", "before the colon" }, { "", "expected a policy" }, { ":floor=1", "expected a policy" }, { "cascade:", "expected NAME:KEY=VALUE" }, { "cascade:floor", "got floor" },
        { "cascade:floor=", "expected NAME:KEY=VALUE" }, { "cascade:floor=1,floor=2", "floor is given twice" }, { "cascade:seat=moon", "device or gateway" },
        { "cascade:as=a b", "one word" }, { "mix", "a mix names a policy" }, { "cascade:of=x", "for mix only" }, { "cascade:use=x", "before the colon" } };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        err = (struct duo_err){ 0 };
        CHECK_INT(duo_policy_spec_parse(&p, bad[i].text, &err), DUO_BAD_INPUT);
        CHECK_HAS(err.text, bad[i].says);
    }
    char *text = base_text(MORE, "variants: { a: {}, b: {} }");
    struct duo_plan plan = good(text, NULL, 0);
    err = (struct duo_err){ 0 };
    CHECK_INT(duo_plan_add_policy(&plan, "cascade:floor=0.8", &err), DUO_OK);
    CHECK_TEXT(plan.variants[1].policies[2].label, "cascade");
    CHECK_INT(duo_plan_add_policy(&plan, "edge_only", &err), DUO_BAD_INPUT);
    CHECK_HAS(err.text, "as=");
    duo_plan_free(&plan);
    free(text);
}

/* ---- fuzz: neither a crash nor a leak; what is read, reads back the same --------------------------------- */

enum { FUZZ = 20000 };

static const char *const words[] = { "{", "}", "[", "]", ": ", ", ", "\n", "\n  ", "- ", "nan", "inf", "-1", "1e308", "0", "~", "\"", "'", "|", ">", "%", "&a", "*a", "#",
                                     "!!", "uniform(1, 2)", "(", ")", "..", "1..5", "$DUOSIM_DATA/", "name", "use", "as", "cells", "up", "trace", "rate", "places", "cloud",
                                     "policies", "variants", "expect", ">= ", "\t", "\x7f", "\xc3\xa9", "\xff", "null", "<<", "? ", "40 ms", "3 Mbit/s", "9999999999999999999" };
#define N_WORDS (sizeof words / sizeof *words)

static size_t pick(struct duo_rng *r, size_t n) { return n ? (size_t)(duo_rng_unit(r) * (double)n) : 0; }

static size_t mutate(struct duo_rng *r, char *text, size_t n, size_t room)
{
    for (size_t times = 1 + pick(r, 4); times > 0; times--) {
        size_t at = pick(r, n), length = pick(r, 20), end = at + length < n ? at + length : n;
        const char *word = words[pick(r, N_WORDS)];
        size_t w = strlen(word);
        switch (pick(r, 5)) {
        case 0:                                          /* cut */
            memmove(text + at, text + end, n - end);
            n -= end - at;
            break;
        case 1:                                          /* a word in */
            if (n + w >= room) break;
            memmove(text + at + w, text + at, n - at);
            memcpy(text + at, word, w);
            n += w;
            break;
        case 2:                                          /* double */
            if (n + (end - at) >= room) break;
            memmove(text + end + (end - at), text + end, n - end);
            memcpy(text + end, text + at, end - at);
            n += end - at;
            break;
        case 3:                                          /* a byte */
            if (n) text[at] = (char)pick(r, 256);
            break;
        default:                                         /* a word over */
            for (size_t i = 0; i < w && at + i < n; i++) text[at + i] = word[i];
        }
    }
    text[n] = 0;
    return n;
}

static void test_fuzz(void)
{
    enum { ROOM = 1 << 13 };
    const char *seeds[] = { full, sample, NULL };
    char *base_yaml = base_text(MORE, "variants: { a: { cells: { rtt: 1 ms } }, b: {} }"), *text = duo_new(ROOM, 1);
    seeds[2] = base_yaml;
    struct duo_rng r;
    duo_rng_init(&r, 7, "fuzz", 0);
    int read = 0, odd = 0;
    for (int i = 0; i < FUZZ; i++) {
        const char *seed = seeds[pick(&r, 3)];
        char setting[64];
        const char *const set = setting;
        size_t n = mutate(&r, memcpy(text, seed, strlen(seed)), strlen(seed), ROOM);
        snprintf(setting, sizeof setting, "%s.%s=%s", words[pick(&r, N_WORDS)], words[pick(&r, N_WORDS)], words[pick(&r, N_WORDS)]);
        struct duo_plan plan, again;
        struct duo_err err = { 0 };
        write_to(file, text, n);
        enum duo_status status = duo_plan_read(&plan, file, &set, i % 4 == 0, &err);
        if (status != DUO_OK) {
            odd += status != DUO_BAD_INPUT || !err.text[0] || (!err.line && strncmp(err.file, "--set", 5) && strncmp(err.text, "--set", 5));
            continue;
        }
        read++;
        write_to(other_file, plan.variants[0].text, strlen(plan.variants[0].text));
        /* an expectation of another variant can't stand in a single one's text: its labels do */
        status = duo_plan_read(&again, other_file, NULL, 0, &err);
        if (status == DUO_OK) odd += strcmp(again.variants[0].text, plan.variants[0].text) != 0;
        else odd += strstr(err.text, "no variant") == NULL;
        if (odd && status != DUO_OK) duo_err_print(stdout, &err, false);
        duo_plan_free(&plan);
        duo_plan_free(&again);
    }
    CHECK_INT(odd, 0);
    CHECK(read > FUZZ / 100);                            /* some get through, or this tests little */
    free(base_yaml);
    free(text);
}

int main(void)
{
    open_folder();
    snprintf(other_file, sizeof other_file, "%s/t.yaml", folder);
    test_bad();
    test_files();
    test_bad_settings();
    test_command_line();
    test_fuzz();
    return close_folder();
}
