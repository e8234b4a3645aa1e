/* scenario_links.c - the keys of cells, wan and transport. */
#include <math.h>
#include <string.h>

#include "sim/scenario_keys.h"

/* ---- links ---------------------------------------------------------------------------------------- */

#define AT(field) .at = offsetof(struct duo_line_spec, field)

static const char *const offsets[] = { "0", "random", NULL };

static const struct duo_key line_keys[] = {
    { "rate",   DUO_KEY_NUMBER, .dim = DUO_DIM_SPEED, .word = "unlimited", .means = INFINITY, .def = "unlimited", AT(rate), .doc = "constant" },
    { "trace",  DUO_KEY_FILE,   AT(trace), .doc = "capacity over time, instead of a rate" },
    { "format", DUO_KEY_TEXT,   AT(format), .def_doc = "from the file", .doc = "of the trace" },
    { "offset", DUO_KEY_FLAG,   .choices = offsets, .def = "0", AT(random_offset), .doc = "where in the trace each cell begins" },
};
#undef AT

static enum duo_status check_line(struct duo_reader *r, const struct duo_node *node, void *at)
{
    (void)at;
    const struct duo_node *rate = duo_tree_find(node, "rate"), *trace = duo_tree_find(node, "trace");
    const struct duo_node *format = duo_tree_find(node, "format"), *offset = duo_tree_find(node, "offset");
    if (!rate && !trace) return duo_bad(r, node, "expected a rate, like 20 Mbit/s, or { trace: FILE }");
    if (rate && trace) return duo_bad_key(r, rate, "rate and trace exclude each other");
    if (rate && format) return duo_bad_key(r, format, "format is for a trace, here is a rate");
    if (rate && offset) return duo_bad_key(r, offset, "offset is for a trace, here is a rate");
    return DUO_OK;
}

static const struct duo_keys line = { sizeof(struct duo_line_spec), offsetof(struct duo_line_spec, at),
                                      DUO_KEYS(line_keys), check_line };

/* A rate, or a map. */
enum duo_status duo_read_line(struct duo_reader *r, const struct duo_node *node, void *at)
{
    if (node->kind == DUO_NODE_MAP) return duo_keys_read(r, &line, node, at);
    if (node->kind == DUO_NODE_LIST || node->null)
        return duo_bad(r, node, "expected a rate, like 20 Mbit/s, or { trace: FILE }; got %s", node->null ? "nothing" : "a list");
    struct duo_node *map = duo_tree_new(NULL);           /* the word stands for { rate: WORD } */
    struct duo_node *rate = duo_tree_copy(node);
    map->line = rate->line;
    map->column = rate->column;
    duo_tree_put(map, "rate", rate);
    enum duo_status status = duo_keys_read(r, &line, map, at);
    duo_tree_free(map);
    return status;
}

/* ---- round trips ---------------------------------------------------------------------------------- */

#define RTT_WORDS "a time like 40 ms, uniform(LOW, HIGH), lognormal(MEAN, CV), or { trace: FILE }"
#define AT(field) .at = offsetof(struct duo_rtt_spec, field)
static const struct duo_key rtt_keys[] = {
    { "trace",  DUO_KEY_FILE, .need = true, AT(trace), .doc = "round trips over time: a CSV with columns of seconds and rtt in ms" },
    { "offset", DUO_KEY_FLAG, .choices = offsets, .def = "0", AT(random_offset), .doc = "where in the trace each cell begins" },
};
#undef AT
static const struct duo_keys rtt = { sizeof(struct duo_rtt_spec), DUO_NO_WHERE, DUO_KEYS(rtt_keys), NULL };

static enum duo_status read_rtt(struct duo_reader *r, const struct duo_node *node, void *at)
{
    static const struct duo_key number = { .dim = DUO_DIM_TIME };
    struct duo_rtt_spec *out = at;

    if (node->kind == DUO_NODE_MAP) {
        out->mean = NAN;
        return duo_keys_read(r, &rtt, node, at);
    }
    if (node->kind == DUO_NODE_LIST) return duo_bad(r, node, "expected %s; got a list", RTT_WORDS);
    if (node->null || !strchr(node->text, '(')) {
        DUO_TRY(duo_read_quantity(r, &number, node, &out->mean));
        out->law.a = out->mean;
        return DUO_OK;
    }
    DUO_TRY(duo_read_law(r, node, DUO_DIM_TIME, &out->law));
    out->mean = out->law.kind == DUO_UNIFORM ? (out->law.a + out->law.b) / 2 : out->law.a;
    return DUO_OK;
}

/* ---- cells, wan, transport ------------------------------------------------------------------------ */

#define AT(field) .at = offsetof(struct duo_outage, field)
static const char *const no_yes[] = { "false", "true", NULL };
static const struct duo_key outage_keys[] = {
    { "from", DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .need = true, AT(from), .doc = "when the link goes down" },
    { "to",   DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .word = "never", .means = INFINITY, .need = true, AT(to), .doc = "when it is up again" },
    { "cell", DUO_KEY_INT64,  .dim = DUO_DIM_COUNT, .word = "all", .means = -1, .min = 0, .def = "all", AT(cell), .doc = "number from 0" },
    { "wan",  DUO_KEY_FLAG,   .choices = no_yes, .def = "false", AT(wan), .doc = "true: the wide-area link instead of cells" },
};
#undef AT

static enum duo_status check_outage(struct duo_reader *r, const struct duo_node *node, void *at)
{
    const struct duo_outage *o = at;
    if (o->to <= o->from) return duo_bad(r, duo_tree_find(node, "to"), "expected a time after `from`");
    if (o->wan && o->cell >= 0) return duo_bad(r, duo_tree_find(node, "cell"), "an outage is of a cell or of the wan");
    return DUO_OK;
}

static const struct duo_keys outage = { sizeof(struct duo_outage), DUO_NO_WHERE, DUO_KEYS(outage_keys), check_outage };

#define RTT_FORM "40 ms | uniform(20 ms, 60 ms) | lognormal(45 ms, 0.3) | {trace: FILE}"
#define LINE_FORM "20 Mbit/s | {trace: FILE}"
#define AT(field) .at = offsetof(struct duo_cells_spec, field)
static const struct duo_key cells_keys[] = {
    { "count",       DUO_KEY_INT64,  .dim = DUO_DIM_COUNT, .min = 1, .max = 1e7, .def = "1", AT(count), .doc = "cells, among which the devices are spread" },
    { "up",          DUO_KEY_OWN,    .read = duo_read_line, .need = true, .form = LINE_FORM, .keys = &line, AT(up), .doc = "from the devices of a cell, shared by them" },
    { "down",        DUO_KEY_OWN,    .read = duo_read_line, .need = true, .form = LINE_FORM, .keys = &line, AT(down), .doc = "to the devices of a cell, shared by them" },
    { "rtt",         DUO_KEY_OWN,    .read = read_rtt, .need = true, .form = RTT_FORM, .keys = &rtt, AT(rtt), .doc = "device to its base station and back; a law is drawn for each message" },
    { "jitter",      DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .def = "0 s", AT(jitter), .doc = "mean of the exponential delay added to each message" },
    { "loss",        DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.5, .def = "0", AT(loss), .doc = "of segments, sent again later: a delay" },
    { "radio",       DUO_KEY_TEXT,   AT(radio), .def_doc = "not known", .doc = "a name of the catalogue: its joules" },
    { "joules_up",   DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, AT(joules_up), .def_doc = "not known", .doc = "J per byte sent, instead of a radio" },
    { "joules_down", DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, AT(joules_down), .def_doc = "not known", .doc = "J per byte received, instead of a radio" },
    { "price",       DUO_KEY_NUMBER, .dim = DUO_DIM_MONEY_PER_BYTES, .open = true, AT(price), .def_doc = "not counted", .doc = "of data sent and received by a device, added to the dollars" },
    { "outages",     DUO_KEY_LIST,   .keys = &outage, AT(outages), .count_at = offsetof(struct duo_cells_spec, n_outages), .doc = "links that go down" },
};
#undef AT

static enum duo_status check_cells(struct duo_reader *r, const struct duo_node *node, void *at)
{
    struct duo_cells_spec *c = at;
    const struct duo_node *up = duo_tree_find(node, "joules_up"), *down = duo_tree_find(node, "joules_down");
    if (!up) c->joules_up = NAN;
    if (!down) c->joules_down = NAN;
    if (!duo_tree_find(node, "price")) c->price = NAN;
    if (c->radio && (up || down)) return duo_bad_key(r, up ? up : down, "radio and joules_up, joules_down exclude each other");
    if (!up != !down) return duo_bad(r, node, "joules_up and joules_down go together");
    const struct duo_node *list = duo_tree_find(node, "outages");
    for (int i = 0; i < c->n_outages; i++)
        if (c->outages[i].cell >= c->count)
            return duo_bad(r, duo_tree_find(list->child[i], "cell"), "outages.%d.cell: expected a number below count (%lld)", i, (long long)c->count);
    return DUO_OK;
}

const struct duo_keys duo_keys_cells = { sizeof(struct duo_cells_spec), offsetof(struct duo_cells_spec, at),
                                         DUO_KEYS(cells_keys), check_cells };

#define AT(field) .at = offsetof(struct duo_wan_spec, field)
static const struct duo_key wan_keys[] = {
    { "up",   DUO_KEY_OWN,    .read = duo_read_line, .def = "unlimited", .form = LINE_FORM, AT(up), .doc = "from the cells to the cloud, shared by all" },
    { "down", DUO_KEY_OWN,    .read = duo_read_line, .def = "unlimited", .form = LINE_FORM, AT(down), .doc = "from the cloud to the cells, shared by all" },
    { "rtt",  DUO_KEY_OWN,    .read = read_rtt, .def = "0 s", .form = RTT_FORM, .keys = &rtt, AT(rtt), .doc = "base station to the cloud and back" },
    { "loss", DUO_KEY_NUMBER, .dim = DUO_DIM_SHARE, .max = 0.5, .def = "0", AT(loss), .doc = "of segments, sent again later: a delay" },
};
#undef AT
const struct duo_keys duo_keys_wan = { sizeof(struct duo_wan_spec), DUO_NO_WHERE, DUO_KEYS(wan_keys), NULL };

#define AT(field) .at = offsetof(struct duo_transport_spec, field)
static const char *const protocols[] = {
#define X(name, text, cold, resumed) [DUO_PROTOCOL_##name] = text,
    DUO_PROTOCOLS(X)
#undef X
    NULL };
static const char *const openings[] = { [DUO_OPEN_COLD] = "cold", [DUO_OPEN_RESUMED] = "resumed", [DUO_OPEN_WARM] = "warm", NULL };
static const char *const queues[] = { "shared", "fifo", NULL };

static const struct duo_key transport_keys[] = {
    { "message",  DUO_KEY_NUMBER, .dim = DUO_DIM_BYTES, .max = 1e9, .def = "300 B", .assumed = true, AT(message), .doc = "framing of a message (headers, an event, an order)" },
    { "token",    DUO_KEY_NUMBER, .dim = DUO_DIM_BYTES, .max = 1e9, .def = "60 B", .assumed = true, AT(token), .doc = "framing of a streamed token" },
    { "protocol", DUO_KEY_CHOICE, .choices = protocols, .def = "none", AT(protocol), .doc = "what opening a connection costs: tcp 1 round trip, tls1.2 3, tls1.3 2, quic 1 (RFCs)" },
    { "first",    DUO_KEY_CHOICE, .choices = openings, .def = "cold", AT(first), .doc = "how a device's first message to a site finds it; resumed: tls1.2 2, tls1.3 1, quic 0" },
    { "again",    DUO_KEY_CHOICE, .choices = openings, .def = "resumed", AT(again), .doc = "how a message finds it after `idle`" },
    { "trips",    DUO_KEY_NUMBER, .dim = DUO_DIM_NUMBER, .max = 100, .def = "0", AT(trips), .doc = "round trips to open a connection, instead of a protocol" },
    { "idle",     DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .word = "never", .means = INFINITY, .def = "never", AT(idle), .doc = "after which a connection is closed" },
    { "window",   DUO_KEY_INT,    .dim = DUO_DIM_COUNT, .min = 1, .max = 1e6, .word = "unlimited", .means = 0, .def = "unlimited", AT(window), .doc = "segments before the first answer, doubling a round trip: 10 in RFC 6928" },
    { "segment",  DUO_KEY_NUMBER, .dim = DUO_DIM_BYTES, .min = 1, .max = 65535, .def = "1460 B", AT(segment), .doc = "of a connection: 1500 B less the headers" },
    { "timeout",  DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .def = "1 s", AT(timeout), .doc = "of a lost segment, and of a window in silence (RFC 6298: 1 s at least; Linux: 200 ms)" },
    { "queue",    DUO_KEY_FLAG,   .choices = queues, .def = "shared", AT(fifo), .doc = "a device's own messages share its uplink, or go one after the other" },
    { "detect",   DUO_KEY_NUMBER, .dim = DUO_DIM_TIME, .def = "3 s", .assumed = true, AT(detect), .doc = "until a dead link is noticed" },
};
#undef AT

static enum duo_status check_transport(struct duo_reader *r, const struct duo_node *node, void *at)
{
    static const char *const of_protocol[] = { "first", "again" };
    struct duo_transport_spec *t = at;
    const struct duo_node *trips = duo_tree_find(node, "trips"), *odd;

    if (trips && t->protocol != DUO_PROTOCOL_NONE) return duo_bad_key(r, trips, "trips and protocol exclude each other");
    for (int i = 0; i < 2; i++) {
        odd = duo_tree_find(node, of_protocol[i]);
        if (odd && t->protocol == DUO_PROTOCOL_NONE) return duo_bad_key(r, odd, "%s is of a protocol, and there is none", odd->key);
    }
    t->trips_again = t->trips;
    if (t->protocol == DUO_PROTOCOL_NONE) return DUO_OK;
    t->trips = duo_connection_trips(t->protocol, t->first), t->trips_again = duo_connection_trips(t->protocol, t->again);
    return DUO_OK;
}

const struct duo_keys duo_keys_transport = { sizeof(struct duo_transport_spec), DUO_NO_WHERE, DUO_KEYS(transport_keys), check_transport };
