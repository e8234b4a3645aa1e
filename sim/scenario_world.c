/* scenario_world.c - the keys of arrivals, devices, places and slo. */
#include <math.h>
#include <string.h>

#include "sim/scenario_keys.h"

/* ---- arrivals ------------------------------------------------------------------------------------- */

#define AT(field) .at = offsetof(struct duo_arrivals_spec, field)

static const char *const processes[] = { [DUO_POISSON] = "poisson", [DUO_GAMMA] = "gamma", [DUO_UNIFORM_GAPS] = "uniform",
                                         [DUO_AT_ONCE] = "at_once", [DUO_ARRIVAL_TRACE] = NULL };
static const char *const query_orders[] = { "in_order", "shuffle", NULL };

static const char *const prefills[] = { "at_end", "as_spoken", NULL };

static enum duo_status read_lengths(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_arrivals_spec *a = at;
    const char *text;

    DUO_TRY(duo_read_scalar(r, node, "answers, trace, or a trace's file", &text));
    a->trace_lengths = strcmp(text, "answers") != 0;
    return a->trace_lengths && strcmp(text, "trace") != 0 ? duo_read_file(r, node, &a->lengths) : DUO_OK;
}

static const struct duo_key arrivals_keys[] = {
    { "process",    DUO_KEY_CHOICE, .choices = processes, AT(kind), .doc = "how gaps are drawn (or a trace)" },
    { "rate",       DUO_KEY_NUMBER, .dim = DUO_DIM_RATE, .open = true, AT(rate), .doc = "requests a second, all devices together" },
    { "cv",         DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .open = true, .max = 100, AT(cv), .doc = "gamma: coefficient of variation of the gaps" },
    { "requests",   DUO_KEY_INT64,  .dim = DUO_DIM_COUNT, .word = "all", .means = 0, AT(requests), .def_doc = "trace: all",
      .doc = "how many at most" },
    { "trace",      DUO_KEY_FILE,   AT(trace), .doc = "arrival times from a file, instead of a process" },
    { "format",     DUO_KEY_TEXT,   AT(format), .def_doc = "from the file", .doc = "of the trace" },
    { "rate_scale", DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .open = true, .def = "1", AT(rate_scale), .doc = "trace: gaps are divided by it" },
    { "lengths",    DUO_KEY_OWN,    .read = read_lengths, .form = "answers | trace | a file", .def = "answers",
      .doc = "where token counts come from; a file: a trace's, row by row, over and over" },
    { "queries",    DUO_KEY_FLAG,   .choices = query_orders, .def = "in_order", AT(shuffle), .doc = "in which order questions are asked" },
    { "speech",     DUO_KEY_NUMBER, .dim = DUO_DIM_RATE, .open = true, .word = "none", .means = 0, .def = "none", AT(speech),
      .doc = "prompts are spoken, so many tokens a second; seconds count from the end of the speech" },
    { "prefill",    DUO_KEY_FLAG,   .choices = prefills, .def = "at_end", AT(as_spoken), .doc = "speech: what a place takes in when" },
    { "piece",      DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .min = 1e-3, .def = "0.5 s", AT(piece), .doc = "prefill as_spoken: speech of so long is taken in at once" },
    { "think",      DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .def = "10 s", AT(think), .doc = "sessions: mean time from an answer to the next turn" },
};
#undef AT

static enum duo_status check_arrivals(struct duo_reader *r, const struct duo_node *node, void *at)
{
    static const char *const of_process[] = { "rate", "cv" }, *const of_trace[] = { "format", "rate_scale" };
    struct duo_arrivals_spec *a = at;
    const struct duo_node *process = duo_tree_find(node, "process"), *trace = duo_tree_find(node, "trace"), *odd;
    for (int i = 0; i < 2; i++) {
        static const char *const of_speech[] = { "prefill", "piece" };
        odd = duo_tree_find(node, of_speech[i]);
        if (odd && (i == 0 ? !(a->speech > 0) : !a->as_spoken)) return duo_bad_key(r, odd, i == 0 ? "%s needs speech, like speech: 3/s" : "%s needs prefill: as_spoken", odd->key);
    }
    if (!process && !trace) return duo_bad(r, node, "expected process: (poisson, gamma, uniform, at_once) or trace: FILE");
    if (process && trace) return duo_bad_key(r, process, "process and trace exclude each other");
    for (int i = 0; i < 2; i++) {
        odd = duo_tree_find(node, trace ? of_process[i] : of_trace[i]);
        if (odd) return duo_bad_key(r, odd, "%s is for a %s", odd->key, trace ? "process, here is a trace" : "trace, here is a process");
    }
    if (trace) {
        a->kind = DUO_ARRIVAL_TRACE;
        odd = duo_tree_find(node, "requests");
        if (odd && a->requests == 0 && strcmp(odd->text, "all") != 0) return duo_bad(r, odd, "requests: expected all, or 1 or more");
        return DUO_OK;
    }
    if (a->trace_lengths && !a->lengths) return duo_bad(r, duo_tree_find(node, "lengths"), "lengths: trace needs a trace; a process has none (lengths: FILE takes a trace's)");
    if (!duo_tree_find(node, "requests")) return duo_bad(r, node, "requests is missing: how many a process makes");
    odd = duo_tree_find(node, "requests");
    if (strcmp(odd->text, "all") == 0) return duo_bad(r, odd, "requests: all is for a trace; a process never ends");
    odd = duo_tree_find(node, "rate");
    if (a->kind == DUO_AT_ONCE && odd) return duo_bad_key(r, odd, "rate has no meaning with process: at_once");
    if (a->kind != DUO_AT_ONCE && !odd) return duo_bad(r, node, "rate is missing: requests a second, like 40/s");
    odd = duo_tree_find(node, "cv");
    if (a->kind == DUO_GAMMA && !odd) return duo_bad(r, node, "cv is missing: process: gamma needs the gaps' coefficient of variation");
    if (a->kind != DUO_GAMMA && odd) return duo_bad_key(r, odd, "cv has a meaning with process: gamma only");
    return DUO_OK;
}

const struct duo_keys duo_keys_arrivals = { sizeof(struct duo_arrivals_spec), offsetof(struct duo_arrivals_spec, at),
                                            DUO_KEYS(arrivals_keys), check_arrivals };

/* ---- devices -------------------------------------------------------------------------------------- */

#define AT(field) .at = offsetof(struct duo_device_spec, field)

static enum duo_status read_device_cost(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_device_spec *d = at;
    return duo_read_constants(r, node, &d->over, &d->n_over);
}

static const char *const loads[] = { "warm", "cold", NULL };

static const struct duo_key device_keys[] = {
    { "name",     DUO_KEY_NAME,   AT(name), .def_doc = "device[N]", .doc = "of the class" },
    { "share",    DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, AT(share), .def_doc = "equal shares", .doc = "of the requests; brought to a sum of 1" },
    { "count",    DUO_KEY_INT64,  .dim = DUO_DIM_COUNT, .min = 1, .max = 1e9, .def = "1", AT(count), .doc = "how many devices" },
    { "hardware", DUO_KEY_TEXT,   .need = true, AT(hardware), .doc = "a name of the catalogue (duosim hardware)" },
    { "model",    DUO_KEY_TEXT,   .need = true, AT(model), .doc = "a name of the catalogue (duosim models)" },
    { "quant",    DUO_KEY_TEXT,   AT(quant), .def_doc = "needed, not at api", .doc = "of the weights, like q4_0" },
    { "runtime",  DUO_KEY_TEXT,   AT(runtime), .def_doc = "the hardware's usual", .doc = "what runs the model, like llama.cpp (duosim runtimes)" },
    { "measured", DUO_KEY_FILE,   AT(measured), .def_doc = "none", .doc = "a table of measured iterations, laid over the cost model" },
    { "slots",    DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 1e6, .def = "1", AT(slots), .doc = "sequences at once" },
    { "battery",  DUO_KEY_NUMBER, .dim = DUO_DIM_ENERGY, .word = "mains", .means = INFINITY, .def = "mains", AT(battery),
      .doc = "energy at the start, and its capacity; at 0 its requests fail" },
    { "charge",   DUO_KEY_NUMBER, .dim = DUO_DIM_POWER, .def = "0 W", AT(charge), .doc = "power that flows into the battery" },
    { "background", DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.99, .def = "0", AT(background), .doc = "share of its compute that others take" },
    { "load",     DUO_KEY_FLAG,   .choices = loads, .def = "warm", AT(cold), .doc = "cold: the first work waits until the model is loaded" },
    { "load_time", DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, AT(load_seconds), .def_doc = "the hardware's", .doc = "how long that takes" },
    { "region",   DUO_KEY_TEXT,   AT(region), .def_doc = "not known", .doc = "whose electricity it is charged with: its grams of CO2e" },
    { "energy_price", DUO_KEY_NUMBER, .dim = DUO_DIM_MONEY_PER_ENERGY, .open = true, AT(energy_price), .def_doc = "not counted", .doc = "what its energy costs, added to the dollars" },
    { "priority", DUO_KEY_INT,    .dim = DUO_DIM_NUMBER, .max = 1000, .def = "0", AT(priority), .doc = "of its requests at places that go by it: the least first" },
    { "cost",     DUO_KEY_OWN,    .read = read_device_cost, .form = "{KEY: value}", .doc = "constants of the cost model, instead of the catalogue's" },
};
#undef AT

static enum duo_status check_device(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_device_spec *d = at;
    const struct duo_node *charge = duo_tree_find(node, "charge"), *time = duo_tree_find(node, "load_time");

    if (charge && isinf(d->battery)) return duo_bad_key(r, charge, "charge is for a battery, and there is none");
    if (time && !d->cold) return duo_bad_key(r, time, "load_time has a meaning with load: cold only");
    if (!time) d->load_seconds = NAN;
    if (!duo_tree_find(node, "energy_price")) d->energy_price = NAN;
    return DUO_OK;
}

const struct duo_keys duo_keys_device = { sizeof(struct duo_device_spec), offsetof(struct duo_device_spec, at),
                                          DUO_KEYS(device_keys), check_device };

/* ---- places --------------------------------------------------------------------------------------- */

static const char *const sites[] = { [DUO_SITE_DEVICE] = "device", [DUO_SITE_EDGE] = "edge", [DUO_SITE_CLOUD] = "cloud",
                                     [DUO_SITE_API] = "api", [DUO_SITES] = NULL };      /* device: refused, in words */

#define AT(field) .at = offsetof(struct duo_place_spec, field)

static enum duo_status read_place_cost(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_place_spec *p = at;
    return duo_read_constants(r, node, &p->over, &p->n_over);
}

/* "2", "1..8" */
static enum duo_status read_replicas(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_place_spec *p = at;
    const char *text, *dots;
    char low[24], why[160];
    double least, most;
    DUO_TRY(duo_read_scalar(r, node, "a number of replicas, like 2, or a range, like 1..8", &text));
    dots = strstr(text, "..");
    snprintf(low, sizeof low, "%.*s", dots ? (int)(dots - text) : 20, text);
    if (strlen(text) > 20 || duo_quantity(low, DUO_DIM_COUNT, &least, why, sizeof why) != 0 ||
        duo_quantity(dots ? dots + 2 : low, DUO_DIM_COUNT, &most, why, sizeof why) != 0 || least < 1 || most < least || most > 1e6)
        return duo_bad(r, node, "expected a number of replicas of 1 to 1000000, like 2, or a range, like 1..8; got %.60s", text);
    p->replicas = (int)least, p->most_replicas = (int)most;
    return DUO_OK;
}

static const char *const balancers[] = {
#define X(name, text) [DUO_##name] = text,
    DUO_BALANCERS(X)
#undef X
    [DUO_BALANCER_END] = NULL
};
static const char *const schedulings[] = { "fcfs", "priority", NULL };
static const char *const yes_no[] = { "true", "false", NULL };

static const struct duo_key place_keys[] = {
    { "name",            DUO_KEY_NAME,   .need = true, AT(name), .doc = "cloud must be one; device is reserved" },
    { "site",            DUO_KEY_CHOICE, .choices = sites, .def = "cloud", AT(site), .doc = "edge: at the base stations; api: a service billed by tokens" },
    { "model",           DUO_KEY_TEXT,   AT(model), .def_doc = "needed, but for api", .doc = "a name of the catalogue (duosim models)" },
    { "api",             DUO_KEY_TEXT,   AT(api), .doc = "a service billed by tokens: a name of the price list (duosim prices), instead of a model" },
    { "ttft",            DUO_KEY_LAW,    .dim = DUO_DIM_TIME, AT(ttft), .def_doc = "the catalogue's", .doc = "api: from a call to its first token" },
    { "rate",            DUO_KEY_LAW,    .dim = DUO_DIM_RATE, AT(rate), .def_doc = "the catalogue's", .doc = "api: tokens a second of one call" },
    { "limit",           DUO_KEY_NUMBER, .dim = DUO_DIM_RATE, .open = true, .word = "none", .means = INFINITY, .def = "none", AT(limit), .doc = "api: calls above it are refused (a token bucket)" },
    { "burst",           DUO_KEY_NUMBER, .dim = DUO_DIM_COUNT, .min = 1, .max = 1e9, AT(burst), .def_doc = "a minute's", .doc = "api: calls that the bucket holds" },
    { "errors",          DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 1, .def = "0", AT(errors), .doc = "api: calls that fail, when their first token was due" },
    { "retries",         DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .max = 100, .def = "0", AT(retries), .doc = "api: how often a refused or failed call is tried again" },
    { "backoff",         DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .open = true, .def = "1 s", AT(backoff), .doc = "api: before the first retry; twice as long before each next one" },
    { "cache",           DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .word = "none", .means = 0, .def = "5 min", AT(cache), .doc = "api: time that a prompt's beginning counts as cached" },
    { "hardware",        DUO_KEY_TEXT,   AT(hardware), .def_doc = "needed, not at api", .doc = "a name of the catalogue (duosim hardware)" },
    { "quant",           DUO_KEY_TEXT,   AT(quant), .def_doc = "needed, not at api", .doc = "of the weights, like fp8" },
    { "runtime",         DUO_KEY_TEXT,   AT(runtime), .def_doc = "the hardware's usual", .doc = "what runs the model, like vllm (duosim runtimes)" },
    { "measured",        DUO_KEY_FILE,   AT(measured), .def_doc = "none", .doc = "a table of measured iterations, laid over the cost model" },
    { "tensor_parallel", DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 1024, .def = "1", AT(tensor_parallel), .doc = "accelerators that share every layer" },
    { "pipeline_parallel", DUO_KEY_INT,  .dim = DUO_DIM_COUNT, .min = 1, .max = 1024, .def = "1", AT(pipeline_parallel), .doc = "groups of them, each with its layers; one batch in flight" },
    { "replicas",        DUO_KEY_OWN,    .read = read_replicas, .form = "2 | 1..8", .def = "1", .doc = "copies that share the load; 1..8: as many as are needed" },
    { "scale_up",        DUO_KEY_NUMBER, .dim = DUO_DIM_COUNT, .max = 1e6, .def = "4", AT(scale_up), .doc = "replicas 1..8: waiting sequences a replica above which one more starts" },
    { "scale_down",      DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .word = "never", .means = INFINITY, .def = "60 s", AT(scale_down), .doc = "replicas 1..8: idle time after which a replica stops" },
    { "cold_start",      DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .word = "load", .means = NAN, .def = "load", AT(cold_start), .doc = "from a replica's start until it works; load: the load time of its weights" },
    { "batch",           DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 1e6, .def = "64", AT(slots), .doc = "sequences at once, a replica" },
    { "budget",          DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 1e9, .def = "2048", AT(budget), .doc = "tokens an iteration takes in" },
    { "chunk",           DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .word = "unlimited", .means = 0, .min = 1, .max = 1e9, .def = "unlimited", AT(chunk), .doc = "of them, of one prompt" },
    { "scheduling",      DUO_KEY_FLAG,   .choices = schedulings, .def = "fcfs", AT(by_priority), .doc = "who is next, and who has to go: by coming, or by the devices' priority" },
    { "block",           DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 4096, .def = "16", AT(block), .doc = "tokens a block of KV" },
    { "prefix_cache",    DUO_KEY_FLAG,   .choices = yes_no, .def = "true", AT(no_prefix_cache), .doc = "keep the KV of prompts whose blocks the trace names, for others that begin alike" },
    { "balancer",        DUO_KEY_CHOICE, .choices = balancers, .def = "least_loaded", AT(balancer), .doc = "which replica takes what none has the beginning of" },
    { "kv_tokens",       DUO_KEY_NUMBER, .dim = DUO_DIM_COUNT, .word = "memory", .means = 0, .min = 1, .def = "memory", AT(kv_tokens), .doc = "tokens whose KV fits, a replica" },
    { "rtt",             DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .def = "0 s", AT(rtt), .doc = "added: from its site's edge and back" },
    { "region",          DUO_KEY_TEXT,   AT(region), .def_doc = "not known", .doc = "whose electricity it takes: its grams of CO2e" },
    { "load",            DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.99, .def = "0", AT(background), .doc = "share of the slots that others hold" },
    { "cost",            DUO_KEY_OWN,    .read = read_place_cost, .form = "{KEY: value}", .doc = "constants of the cost model, instead of the catalogue's" },
};
#undef AT

/* Keys that only one kind of place has. */
static enum duo_status check_kind(struct duo_reader *r, const struct duo_node *node, bool api)
{
    static const char *const of_api[] = { "ttft", "rate", "limit", "burst", "errors", "retries", "backoff", "cache" };
    static const char *const of_ours[] = { "quant", "runtime", "measured", "tensor_parallel", "pipeline_parallel", "replicas", "scale_up",
                                           "scale_down", "cold_start", "batch", "budget", "kv_tokens", "load", "region" };
    const char *const *odd = api ? of_ours : of_api;
    size_t n = api ? sizeof of_ours / sizeof *of_ours : sizeof of_api / sizeof *of_api;
    for (size_t i = 0; i < n; i++) {
        const struct duo_node *k = duo_tree_find(node, odd[i]);
        if (k) return duo_bad_key(r, k, api ? "%s is for a place of our own, not for an API" : "%s is for an API (api: NAME)", odd[i]);
    }
    return DUO_OK;
}

static enum duo_status check_place(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_place_spec *p = at;
    const struct duo_node *name = duo_tree_find(node, "name"), *site = duo_tree_find(node, "site"), *odd;
    if (strcmp(p->name, "device") == 0) return duo_bad(r, name, "device is reserved: it is each request's own device");
    if (p->api) {
        if (site && p->site != DUO_SITE_API) return duo_bad(r, site, "site: a place with api: is at site api");
        if (p->model || p->hardware)
            return duo_bad_key(r, duo_tree_find(node, p->model ? "model" : "hardware"), "api and %s exclude each other", p->model ? "model" : "hardware");
        p->site = DUO_SITE_API;
        p->model = duo_copy(p->api);
    }
    if (p->site == DUO_SITE_DEVICE) return duo_bad(r, site, "site: expected edge, cloud or api; what runs on devices is under devices");
    if (!p->model) return duo_bad(r, node, "model is missing: a name of the catalogue");
    DUO_TRY(check_kind(r, node, p->site == DUO_SITE_API));
    if (!p->hardware && p->site != DUO_SITE_API) return duo_bad(r, node, "hardware is missing: a name of the catalogue");
    if (!p->hardware) p->hardware = duo_copy("api");
    if (p->most_replicas == p->replicas)
        for (int i = 0; i < 3; i++) {
            static const char *const scale[] = { "scale_up", "scale_down", "cold_start" };
            odd = duo_tree_find(node, scale[i]);
            if (odd) return duo_bad_key(r, odd, "%s needs a range of replicas, like replicas: 1..8", scale[i]);
        }
    if (isinf(p->limit) && (odd = duo_tree_find(node, "burst"))) return duo_bad_key(r, odd, "burst needs a limit, like limit: 500/min");
    if (!p->retries && (odd = duo_tree_find(node, "backoff"))) return duo_bad_key(r, odd, "backoff needs retries");
    return DUO_OK;
}

const struct duo_keys duo_keys_place = { sizeof(struct duo_place_spec), offsetof(struct duo_place_spec, at),
                                         DUO_KEYS(place_keys), check_place };

/* ---- feedback ------------------------------------------------------------------------------------- */

#define AT(field) .at = offsetof(struct duo_scenario, feedback_##field)
static const struct duo_key feedback_keys[] = {
    { "share", DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .def = "0", AT(share), .doc = "of the answers" },
    { "delay", DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .def = "60 s", AT(delay), .doc = "after the answer" },
};
#undef AT
const struct duo_keys duo_keys_feedback = { sizeof(struct duo_scenario), DUO_NO_WHERE, DUO_KEYS(feedback_keys), NULL };

/* ---- slo ------------------------------------------------------------------------------------------ */

#define AT(field) .at = offsetof(struct duo_scenario, slo_##field)
static const struct duo_key slo_keys[] = {
    { "ttft", DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .open = true, .word = "none", .means = INFINITY, .def = "none", AT(ttft), .doc = "to the first token on the screen" },
    { "e2e",  DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .open = true, .word = "none", .means = INFINITY, .def = "none", AT(e2e), .doc = "to the whole answer" },
    { "tpot", DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .open = true, .word = "none", .means = INFINITY, .def = "none", AT(tpot), .doc = "per token after the first" },
};
#undef AT
const struct duo_keys duo_keys_slo = { sizeof(struct duo_scenario), DUO_NO_WHERE, DUO_KEYS(slo_keys), NULL };
