/* pipe_inside.h - what pipe.c (the beginning and the end), pipe_turn.c (calls) and pipe_line.c (lines) share. */
#ifndef DUO_SIM_PIPE_INSIDE_H
#define DUO_SIM_PIPE_INSIDE_H

#include <jansson.h>

#include "sim/pipe.h"
#include "sim/talk.h"

enum { DUO_PIPE_VERSION = 1, DUO_PIPE_SHOWN = 512, DUO_PIPE_ASKS = 10000 };

struct duo_ids { int n, room; int64_t *id; };

struct duo_pipe {
    struct duo_policy policy;
    struct duo_world *world;
    struct duo_talk  *talk;
    bool   check;
    char   name[64], about[200];
    double patience;               /* s of the wall clock for a line */
    long   lines;                  /* that it has written */
    const char *line;              /* the last one, while it is read */
    char   wrong[400];             /* the first thing that was wrong with it; "": nothing */

    char  *out;                    /* the line to be sent */
    size_t n, room;
    struct { double x; char text[32]; } shown[DUO_PIPE_SHOWN];     /* numbers written lately */
    struct duo_ids requests, sessions;                             /* over since the last line */
    int    n_keys, *device;        /* classes: the first one with the same model */
    char **keys;                   /* that it has asked for */
};

/* ---- pipe_line.c: what we write */
void duo_pipe_text  (struct duo_pipe *, const char *);             /* as it stands */
void duo_pipe_whole (struct duo_pipe *, const char *before, int64_t);
void duo_pipe_number(struct duo_pipe *, const char *before, double);       /* (3); not known: null; infinite: "inf", "-inf" */
/* Sends what was written, with a newline, and reads one line as an object (the caller's).  NULL: see `wrong`. */
json_t *duo_pipe_exchange(struct duo_pipe *);

/* ---- and what we read: the first thing wrong stays in `wrong`, and all that is read after it is 0 */
void        duo_pipe_wrong(struct duo_pipe *, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void        duo_pipe_only (struct duo_pipe *, const json_t *, const char *what, const char *const *keys, int n);      /* no other members */
int         duo_pipe_int  (struct duo_pipe *, const json_t *, const char *what, const char *key, bool needed);
double      duo_pipe_real (struct duo_pipe *, const json_t *, const char *what, const char *key, double otherwise);
bool        duo_pipe_flag (struct duo_pipe *, const json_t *, const char *what, const char *key);
const char *duo_pipe_word (struct duo_pipe *, const json_t *, const char *what, const char *key, const char *otherwise);
/* "; it wrote: LINE", cut. */
void        duo_pipe_quote(const struct duo_pipe *, char *out, size_t n);

/* ---- pipe_turn.c */
void duo_pipe_next    (struct duo_turn *);
void duo_pipe_feedback(struct duo_turn *, double score);
void duo_pipe_tick    (struct duo_turn *);

#endif
