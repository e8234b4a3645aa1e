/* rows.h - what a run leaves: rows, written by the child process to its own file, read by the parent.
 *
 * One X-macro per table is the schema: the struct, the file's layout, the SQL and analysis/SCHEMA.md's test
 * come from it.  NAN, DUO_NONE and a text that is empty become NULL (but for run.variant): nothing unknown is a zero. */
#ifndef DUO_SIM_ROWS_H
#define DUO_SIM_ROWS_H

#include <stdint.h>
#include <stdio.h>

#include "sim/base/err.h"

/* X(kind, name, what): kind R real, I whole number, T text (of at most 255 bytes) */
#define DUO_REQUEST_COLUMNS(X)                                                                                  \
    X(I, id,             "number of the request in order of arrival, from 0")                                   \
    X(I, query,          "index of the question in the answers")                                                \
    X(I, session,        "session, NULL: none")                                                                 \
    X(I, turn,           "turn in the session, from 0")                                                         \
    X(I, device,         "number of the device")                                                                \
    X(I, class,          "device class, index of the scenario's devices")                                       \
    X(I, cell,           "radio cell")                                                                          \
    X(R, arrived,        "s since the start of the run")                                                        \
    X(I, status,         "0 answered, 1 failed, 2 pending at the end, 3 arrived in the warm-up")                \
    X(I, reason,         "index of the run's reason table (table reason), NULL unless failed")                  \
    X(I, prompt_tokens,  "tokens of the prompt")                                                                \
    X(I, answer_tokens,  "tokens of the answer, NULL unless answered")                                          \
    X(R, quality,        "of the answer, 0..1; NULL: not known")                                                \
    X(R, quality_weak,   "what the device's model alone would have reached (truth, for the mix)")               \
    X(R, quality_strong, "what the cloud alone would have reached (truth, for the mix)")                        \
    X(I, cloud,          "1: a place other than the device wrote, verified or scored for it")                   \
    X(I, steps,          "steps asked for")                                                                     \
    X(I, rounds,         "verifications")                                                                       \
    X(R, ttft,           "s from arrival to the first token on the user's screen")                              \
    X(R, tpot,           "s per token after the first: (e2e - ttft) / (tokens - 1)")                            \
    X(R, e2e,            "s from arrival to the whole answer on the user's screen")                             \
    X(R, joules_device,  "J spent by the device's compute")                                                     \
    X(R, joules_radio,   "J spent by the device's radio")                                                       \
    X(R, joules_cloud,   "J spent beyond the device: the request's share of the batches it was in")             \
    X(R, dollars,        "$, in the run's dollars_regime")                                                      \
    X(R, bytes_up,       "B sent by the device")                                                                \
    X(R, bytes_down,     "B received by the device")                                                            \
    X(I, tokens_device,  "tokens written on the device")                                                        \
    X(I, tokens_cloud,   "tokens written and verified beyond the device")                                       \
    X(I, wasted_tokens,  "tokens written that are not in the answer")                                           \
    X(R, wasted_joules,  "J of steps that were cancelled, failed or left in flight")                            \
    X(R, grams,          "g CO2e of its joules; NULL: no region was given where some were spent")               \
    X(I, tokens_thinking, "tokens written that nobody sees, before answers")

#define DUO_RUN_COLUMNS(X)                                                                                      \
    X(T, variant,        "name of the variant, empty when there is none")                                       \
    X(I, policy,         "index in the scenario's list")                                                        \
    X(T, label,          "the policy's label")                                                                  \
    X(T, name,           "the policy's name")                                                                   \
    X(T, params,         "its parameters as given")                                                             \
    X(I, cheats,         "1: knows the truth")                                                                  \
    X(I, seed,           "the seed")                                                                            \
    X(T, state,          "done or failed")                                                                      \
    X(T, reason,         "why it failed")                                                                       \
    X(T, net,            "backend that carried the flows")                                                      \
    X(T, answers,        "where the answers come from")                                                         \
    X(T, provenance_time,    "weakest status of what the seconds rest on")                                      \
    X(T, provenance_energy,  "of the joules")                                                                   \
    X(T, provenance_money,   "of the dollars")                                                                  \
    X(T, provenance_quality, "of the quality")                                                                  \
    X(T, provenance_signals, "of confidences, agreement and exits that the policy used")                        \
    X(T, dollars_regime, "what the dollars mean")                                                               \
    X(T, rests_on,       "the weakest constants of the seconds, place by place")                                \
    X(T, domain,         "whether validation gates cover it: inside or outside, and which or why")              \
    X(I, requests,       "arrived")                                                                             \
    X(I, answered,       "answered")                                                                            \
    X(I, failed,         "failed")                                                                              \
    X(I, pending,        "neither at the end")                                                                  \
    X(I, cloud_calls,    "requests that a place other than the device worked for")                              \
    X(R, seconds,        "simulated time at the end")                                                           \
    X(I, events,         "alarms rung")                                                                         \
    X(I, flows,          "flows started")                                                                       \
    X(I, peak_flows,     "flows in flight at most")                                                             \
    X(R, itl_p50,        "median gap between tokens on the screen, s")                                          \
    X(R, itl_p99,        "99th percentile of it")                                                               \
    X(R, joules_idle_cloud, "J of the places' idle time, by nobody's request")                                  \
    X(R, grams_idle_cloud,  "g CO2e of them; NULL: not known")                                                  \
    X(R, dollars_reserved,  "$ of the replicas from the warm-up to the end, used or not; NULL: money is not reserved") \
    X(I, unmatched,      "queries without a row in a joined file, NULL: none was joined")

#define DUO_LINK_COLUMNS(X)                                                                                     \
    X(T, name,           "link")                                                                                \
    X(R, capacity,       "B/s at the start; NULL: no limit")                                                    \
    X(R, bytes,          "carried")

#define DUO_SERVER_COLUMNS(X)                                                                                   \
    X(T, place,          "place")                                                                               \
    X(I, replica,        "its number")                                                                          \
    X(R, busy,           "share of the run in which it worked")                                                 \
    X(R, joules,         "J while it worked")                                                                   \
    X(R, idle_joules,    "J while it didn't")                                                                   \
    X(R, iterations,     "model steps")                                                                         \
    X(R, tokens_in,      "prompt and draft tokens run")                                                         \
    X(R, tokens_out,     "tokens written")                                                                      \
    X(I, peak_running,   "sequences at once, at most")                                                          \
    X(I, peak_waiting,   "waiting, at most")                                                                    \
    X(I, evicted,        "sequences whose KV was evicted")                                                      \
    X(I, preempted,      "jobs that had to leave, and were run again")                                          \
    X(R, cached_tokens,  "prompt and draft tokens that were there and not run")                                 \
    X(R, kv_peak,        "share of the KV memory that running sequences held, at most; NULL: no limit")         \
    X(R, up,             "s that it was there, starting or up")                                                 \
    X(I, refused,        "calls that an API's limit refused, each attempt; NULL: no API")                       \
    X(I, errors,         "calls that an API failed, each attempt; NULL: no API")

#define DUO_DEVICE_COLUMNS(X)                                                                                   \
    X(T, class,          "device class")                                                                        \
    X(I, devices,        "how many")                                                                            \
    X(I, active,         "how many had a request")                                                              \
    X(I, dead,           "whose battery was empty at the end")                                                  \
    X(R, joules,         "J of compute and radio, all together")                                                \
    X(R, idle_joules,    "J while they did not compute, until the end or their own; NULL: idle power not known")

#define DUO_REASON_COLUMNS(X)                                                                                   \
    X(I, id,             "index")                                                                               \
    X(T, text,           "why requests failed")                                                                 \
    X(I, requests,       "how many")

/* table name, columns */
#define DUO_TABLES(X)                                                                                           \
    X(run, DUO_RUN_COLUMNS) X(request, DUO_REQUEST_COLUMNS) X(link, DUO_LINK_COLUMNS)                           \
    X(server, DUO_SERVER_COLUMNS) X(device, DUO_DEVICE_COLUMNS) X(reason, DUO_REASON_COLUMNS)

#define DUO_FIELD_R(name) double name;
#define DUO_FIELD_I(name) int64_t name;
#define DUO_FIELD_T(name) char name[256];
#define DUO_FIELD(kind, name, what) DUO_FIELD_##kind(name)
struct duo_row_run     { DUO_RUN_COLUMNS(DUO_FIELD) };
struct duo_row_request { DUO_REQUEST_COLUMNS(DUO_FIELD) };
struct duo_row_link    { DUO_LINK_COLUMNS(DUO_FIELD) };
struct duo_row_server  { DUO_SERVER_COLUMNS(DUO_FIELD) };
struct duo_row_device  { DUO_DEVICE_COLUMNS(DUO_FIELD) };
struct duo_row_reason  { DUO_REASON_COLUMNS(DUO_FIELD) };
#define DUO_NONE INT64_MIN           /* a whole number that is not known: NULL */

/* The same as data: for the file, the SQL and the test of the schema. */
enum duo_table_id {
#define X(table, columns) DUO_TABLE_##table,
    DUO_TABLES(X)
#undef X
    DUO_TABLE_END
};
enum { DUO_MAX_COLUMNS = 64 };
struct duo_column { char kind; const char *name, *what; size_t offset; };     /* kind: 'R', 'I', 'T'; offset in the struct */
struct duo_table  { const char *name; int n; const struct duo_column *columns; };
extern const struct duo_table duo_tables[DUO_TABLE_END];

/* The child's side: rows go to `fd` (buffered).  The run's own row comes last and closes the file; without it
 * the reader knows that the run died. */
struct duo_rows;
struct duo_rows *duo_rows_new(int fd);
void             duo_rows_request(struct duo_rows *, const struct duo_row_request *);
void             duo_rows_link   (struct duo_rows *, const struct duo_row_link *);
void             duo_rows_server (struct duo_rows *, const struct duo_row_server *);
void             duo_rows_device (struct duo_rows *, const struct duo_row_device *);
void             duo_rows_reason (struct duo_rows *, const struct duo_row_reason *);
enum duo_status  duo_rows_end    (struct duo_rows *, const struct duo_row_run *, struct duo_err *);   /* frees; DUO_NO_RESOURCES: disk full */

/* The parent's side. */
struct duo_cell { int64_t whole; double real; const char *text; int length; };  /* the column's kind says which; text is borrowed */

/* One row from [at, end) into cells[DUO_MAX_COLUMNS].  The bytes it took; 0: more are needed; -1: these are no
 * rows.  *table is DUO_TABLE_END for the end mark, after which nothing follows. */
long duo_row_read(const unsigned char *at, const unsigned char *end, enum duo_table_id *table, struct duo_cell *cells);
void duo_row_fill(struct duo_row_run *, const struct duo_cell *cells);          /* cells of a run's row as a struct */
bool duo_rows_last(int fd, struct duo_row_run *);                               /* the run's row of a complete file */

/* Every column not known; texts empty. */
void duo_row_run_init(struct duo_row_run *);

#endif
