/* talk.h - another program, spoken with line by line: we write a line, it writes one back.
 *
 * (1) It runs in a process group of its own, in a folder of its own, with our three ends of pipes and no other file of ours.
 * (2) Nothing of it outlives us: however this process ends, all of its group is killed.  (A process between us and it sees
 *     to that: it alone is told of our death and can still act.)
 * (3) A line that doesn't come within the time (wall clock: a watchdog, no result depends on it), that is longer than
 *     DUO_TALK_LINE, or an end of the program is an error in words.  More than it was asked for is one, too: at the next
 *     line or at the end.
 * (4) What it prints on stderr goes to ours, whole lines, at most DUO_TALK_WORDS bytes; its last line ends the words of an
 *     error when it has died.
 * (5) While lines come and go quickly and neither side has threads, both stay on one CPU: they never run at the same time, and
 *     to wake another CPU for each line takes longer than the line.  Now and then both are free, so that runs spread.
 * (6) Whatever it writes, and however fast: we hold one line of it at most, and neither side waits for the other's reading. */
#ifndef DUO_SIM_TALK_H
#define DUO_SIM_TALK_H

#include "sim/base/err.h"

enum { DUO_TALK_LINE = 1 << 20, DUO_TALK_WORDS = 1 << 16 };

struct duo_talk;

struct duo_talk_spec {
    char *const *command;          /* NULL-terminated; the program is looked up in PATH */
    const char  *folder;           /* NULL: where we are */
    const char  *python;           /* NULL, or a folder where Python is to look for modules, too */
    const char  *prefix;           /* of the lines from stderr; NULL: they are not passed on */
};

/* DUO_BAD_INPUT: there is no such program, or it can't be run. */
enum duo_status duo_talk_start(struct duo_talk **, const struct duo_talk_spec *, struct duo_err *);

/* Send `n` bytes, a whole line, and wait for one.  *line: without its newline and with a 0, valid until the next call. */
enum duo_status duo_talk_line(struct duo_talk *, const char *text, size_t n, double seconds, char **line, size_t *length, struct duo_err *);

/* No more lines from us: it is to end by itself.  DUO_RUN_FAILED: it had more to say than it was asked (3). */
enum duo_status duo_talk_end(struct duo_talk *, struct duo_err *);

/* Kills what is left.  NULL is fine. */
void duo_talk_free(struct duo_talk *);

#endif
