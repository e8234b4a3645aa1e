/* scenario_keys.h - a table of keys that reads a map of the scenario into a struct, and documents it.
 *
 * One row a key: name, kind, dimension, range, default, words.  The same row decodes the value, makes the
 * error message, and prints the documentation, so that the three can't disagree.  For sim/scenario*.c only. */
#ifndef DUO_SIM_SCENARIO_KEYS_H
#define DUO_SIM_SCENARIO_KEYS_H

#include <float.h>
#include <stddef.h>

#include "sim/base/units.h"
#include "sim/scenario.h"
#include "sim/yaml_tree.h"

struct duo_reader {
    struct duo_scenario *scenario;          /* what is read so far */
    struct duo_err      *err;
    char                 path[160];         /* of the node being read: "places.cloud.batch" */
};

enum duo_key_kind {
    DUO_KEY_NUMBER,                         /* double, by dimension and range */
    DUO_KEY_INT, DUO_KEY_INT64,             /* whole numbers */
    DUO_KEY_CHOICE,                         /* enum: index in `choices` */
    DUO_KEY_FLAG,                           /* bool: choices[1] is true */
    DUO_KEY_TEXT, DUO_KEY_NAME,             /* char *; a name fits a table's cell and has no '/' and no '.' */
    DUO_KEY_FILE,                           /* char *: a readable file's path, see (3) of scenario.h */
    DUO_KEY_LAW,                            /* struct duo_length_law */
    DUO_KEY_MAP,                            /* struct by `keys` */
    DUO_KEY_LIST,                           /* array of structs by `keys`; with `single` also one map */
    DUO_KEY_OWN                             /* by `read` */
};

struct duo_key {
    const char *name;
    enum duo_key_kind kind;
    enum duo_dimension dim;
    double min, max;                        /* max 0: no limit */
    bool   open;                            /* more than min */
    bool   need;                            /* absent: an error */
    bool   single;
    bool   assumed;                         /* of a number in the scenario's own maps: its default has no source (duo_scenario.assumed) */
    const char *def;                        /* read as if it stood there; NULL: left as it is */
    const char *word;                       /* a word that stands for a value */
    double means;
    const char *const *choices;             /* NULL-terminated */
    const struct duo_keys *keys;
    enum duo_status (*read)(struct duo_reader *, const struct duo_node *, void *at);
    size_t at, count_at;                    /* offsets in the struct; count_at: of a list's int */
    const char *form, *def_doc, *doc;       /* documentation: of the value (NULL: from kind), the default, the meaning */
};

struct duo_keys {
    size_t size, where;                     /* of the struct; offset of its struct duo_where, or DUO_NO_WHERE */
    int    n;
    const struct duo_key *key;
    enum duo_status (*check)(struct duo_reader *, const struct duo_node *, void *at);    /* after the keys; may be NULL */
};

#define DUO_NO_WHERE ((size_t)-1)
#define DUO_KEYS(list) .n = (int)(sizeof (list) / sizeof *(list)), .key = (list)

/* The map `node` into the struct at `at`.  A null counts as an empty map. */
enum duo_status duo_keys_read(struct duo_reader *, const struct duo_keys *, const struct duo_node *, void *at);
/* What follows a map's keys in `path`; the old length to give back to duo_path_pop. */
size_t duo_path_push(struct duo_reader *, const char *key);
void   duo_path_pop(struct duo_reader *, size_t length);

/* Errors at a value or its key: "path: text". */
enum duo_status duo_bad(struct duo_reader *, const struct duo_node *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
enum duo_status duo_bad_key(struct duo_reader *, const struct duo_node *, const char *fmt, ...)
    __attribute__((format(printf, 3, 4)));
/* "; did you mean WORD?" or "" into out, for the nearest of n words. */
const char *duo_hint(const char *word, const char *const *words, size_t n, char out[160]);

/* Pieces that own readers need. */
enum duo_status duo_read_scalar(struct duo_reader *, const struct duo_node *, const char *expected, const char **text);
enum duo_status duo_read_quantity(struct duo_reader *, const struct duo_key *, const struct duo_node *, double *out);
enum duo_status duo_read_name(struct duo_reader *, const struct duo_node *, char **out);
enum duo_status duo_read_file(struct duo_reader *, const struct duo_node *, char **out);
enum duo_status duo_read_law(struct duo_reader *, const struct duo_node *, enum duo_dimension, struct duo_length_law *);
enum duo_status duo_read_constants(struct duo_reader *, const struct duo_node *, struct duo_constant **, int *n);
struct duo_where duo_where_of(const struct duo_node *);
bool duo_any_quantity(const char *text, double *out);        /* a number with whatever unit, to SI */

#define DUO_KEYS_LINE "%-42s %-43s %-19s %s\n"
void duo_keys_print(FILE *, const struct duo_keys *, const char *prefix);

/* The tables. */
extern const struct duo_keys duo_keys_arrivals, duo_keys_device, duo_keys_cells, duo_keys_wan, duo_keys_transport,
                             duo_keys_place, duo_keys_answers, duo_keys_policy, duo_keys_feedback, duo_keys_slo;
enum duo_status duo_read_line(struct duo_reader *, const struct duo_node *, void *line_spec);
enum duo_status duo_read_policies(struct duo_reader *, const struct duo_node *, void *scenario);
enum duo_status duo_read_expect(struct duo_reader *, const struct duo_node *, void *scenario);
enum duo_status duo_read_check(struct duo_reader *, const struct duo_node *, void *scenario);
enum duo_status duo_check_answers(struct duo_reader *);      /* roles and voices, once the places are known */

/* "label.column" or "column", n bytes; false: neither.  *label NULL: none. */
bool duo_split_cell(const char *text, size_t n, char **label, char **column);

/* Expectations, and rules of check:, against the names of variants (`names`: n of them; none: 0). */
enum duo_status duo_check_expect(struct duo_reader *, const char *const *names, size_t n);
enum duo_status duo_check_check(struct duo_reader *, const char *const *names, size_t n);

void duo_scenario_free(struct duo_scenario *);

#endif
