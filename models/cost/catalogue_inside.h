/* catalogue_inside.h - what the files of the catalogue share: tables of rows, and how a layer replaces them. */
#ifndef DUO_MODELS_COST_CATALOGUE_INSIDE_H
#define DUO_MODELS_COST_CATALOGUE_INSIDE_H

#include "models/cost/catalogue.h"

/* A constant of runtimes.csv; empty texts are none, "*" any. */
struct duo_scoped { const char *scope, *runtime, *quant; enum duo_key key; struct duo_value value; bool read; };

struct duo_entries { int n; struct duo_row **rows; const char **names; bool *read; };    /* read: looked up since the catalogue was opened */

struct duo_catalogue {
    struct duo_entries table[DUO_NO_TABLE];
    int n_scoped;
    struct duo_scoped *scoped;
    uint64_t draw;
    int n_drawn;
    struct duo_drawn *drawn;          /* the last answer of duo_catalogue_drawn */
};

extern const char *const duo_table_names[DUO_NO_TABLE], *const duo_table_one[DUO_NO_TABLE];

bool duo_table_has(enum duo_table, int key);                     /* a column or a quantity of this table */
struct duo_row *duo_row_new(struct duo_catalogue *, enum duo_table, const char *name);    /* added to its table; all values unknown */
void duo_row_drop(struct duo_catalogue *, enum duo_table);          /* the last one */
void duo_value_free(struct duo_value *);
/* What a model's row leaves open of pictures, sound and documents: one encoder for all, assumed. */
void duo_row_standards(struct duo_row *);
/* Another row that has one of this row's aliases, which is then in `which`; NULL: none. */
const struct duo_row *duo_entries_clash(const struct duo_entries *, const struct duo_row *, char *which, size_t n);
/* Lower case, '-' for ' ' and '_'. */
void duo_name_plain(const char *name, char *out, size_t n);
/* By name alone, in any writing; -1: none. */
int  duo_entries_at(const struct duo_entries *, const char *name);

/* The files that `dir` has.  `all`: every one must be there. */
enum duo_status duo_catalogue_read(struct duo_catalogue *, const char *dir, bool all, struct duo_err *);
/* A model from the header of a GGUF file; NULL with *err. */
struct duo_row *duo_row_from_gguf(struct duo_catalogue *, const char *path, struct duo_err *);

#endif
