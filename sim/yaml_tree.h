/* yaml_tree.h - a YAML file as a tree in which everything remembers where it stood.
 *
 * (1) Maps (of scalar keys), lists and scalars; order is kept.  Anchors, aliases, tags, a second document
 *     and a key given twice are refused with line and column.
 * (2) A comma inside round brackets doesn't end a value, not even within { }: `{ length: uniform(20, 180) }`
 *     means what it looks like.
 * (3) Laying a tree over another: maps merge, a null removes a key, all else is replaced.  A map laid over
 *     a list addresses its items by number or by name (`name`, `as`, `use`, or the text itself).  A key
 *     that excludes others (a trace where a rate stood) takes their place.
 * (4) The canonical text of a tree reads back as the same tree and gives the same text. */
#ifndef DUO_SIM_YAML_TREE_H
#define DUO_SIM_YAML_TREE_H

#include <stdbool.h>

#include "sim/base/err.h"

enum duo_node_kind { DUO_NODE_SCALAR, DUO_NODE_MAP, DUO_NODE_LIST };

struct duo_node {
    enum duo_node_kind kind;
    bool   null;                        /* `~`, `null` or nothing, unquoted */
    int    line, column;                /* 1-based; 0: from --set, or a default */
    char  *key;                         /* inside a map, else NULL */
    int    key_line, key_column;
    char  *text;                        /* scalar */
    int    n;                           /* of children */
    struct duo_node **child;
    const char *setting;                /* the "a.b=c" of --set that it comes from (borrowed), or NULL */
};

enum duo_status  duo_tree_read(struct duo_node **, const char *file, struct duo_err *);
enum duo_status  duo_tree_parse(struct duo_node **, const char *text, size_t n, const char *file, struct duo_err *);
struct duo_node *duo_tree_copy(const struct duo_node *);
void             duo_tree_free(struct duo_node *);                                /* NULL is fine */
struct duo_node *duo_tree_find(const struct duo_node *map, const char *key);      /* NULL: none, or no map */
char            *duo_tree_text(const struct duo_node *);                          /* (4); the caller frees it */

/* A map or scalar of the caller's own; `text` NULL: an empty map. */
struct duo_node *duo_tree_new(const char *text);
void             duo_tree_put(struct duo_node *map, const char *key, struct duo_node *value);   /* takes it */
bool             duo_tree_is_text(const char *);                                  /* UTF-8, as everything in a tree must be */
bool             duo_tree_drop(struct duo_node *map, const char *key);            /* false: was not there */

/* (3) `*base` may be replaced by a copy of `over`. */
enum duo_status  duo_tree_lay(struct duo_node **base, const struct duo_node *over, const char *file, struct duo_err *);
/* "a.b=c": c is YAML, too.  `setting` must live as long as the tree. */
enum duo_status  duo_tree_set(struct duo_node **base, const char *setting, const char *file, struct duo_err *);

/* DUO_BAD_INPUT at the value (or at its key, for what is wrong with the key). */
enum duo_status  duo_tree_bad(const struct duo_node *, const char *file, struct duo_err *, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));
enum duo_status  duo_tree_bad_key(const struct duo_node *, const char *file, struct duo_err *, const char *fmt, ...)
    __attribute__((format(printf, 4, 5)));

#endif
