/* json.h - write JSON.  Numbers are the shortest text that reads back the same double; NaN and
 * infinities are null.  Commas and indentation look after themselves; with `flat` set behind duo_json_init() all stands
 * on one line. */
#ifndef DUO_BASE_JSON_H
#define DUO_BASE_JSON_H

#include <stdbool.h>
#include <stdio.h>

struct duo_json { FILE *out; int depth; bool first[32], object[32], keyed, flat; };

void duo_json_init(struct duo_json *, FILE *out);
void duo_json_open(struct duo_json *, char bracket);     /* '{' or '[' */
void duo_json_close(struct duo_json *);
void duo_json_key(struct duo_json *, const char *);
void duo_json_text(struct duo_json *, const char *);     /* NULL: null */
void duo_json_number(struct duo_json *, double);
void duo_json_bool(struct duo_json *, bool);
void duo_json_null(struct duo_json *);
void duo_json_end(struct duo_json *);                    /* newline */

/* The shortest decimal that reads back as the same double, independent of the locale. */
void duo_show_double(double, char out[32]);

#endif
