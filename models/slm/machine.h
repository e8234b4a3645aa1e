/* machine.h - the most that this machine can do, measured with the threads of a pool: what speeds are held against.
 *
 * (1) Each is the best of several short runs: a neighbour process can only make them smaller.
 * (2) Not for results: these read the clock. */
#ifndef DUO_SLM_MACHINE_H
#define DUO_SLM_MACHINE_H

#include "models/kernels/kernels.h"

double duo_machine_seconds(void);                        /* a clock that only goes forward */

/* Bytes a second from memory that no cache holds. */
double duo_machine_bandwidth(struct duo_pool *);

/* Operations a second (a multiply-add is two) of int8 by int8, by the instructions of duo_isa_current() that do most of them,
 * from registers.  AVX2's sums stay in 16 bits, which is no way to keep them: an upper bound. */
double duo_machine_int8(struct duo_pool *);

/* Multiply-adds of F32 as operations a second, the same way. */
double duo_machine_fp32(struct duo_pool *);

/* Bytes of memory that this process may still take: what the system has free, its control group's limit, its own (ulimit -v).
 * INFINITY: nothing says so. */
double duo_machine_memory(void);
/* Bytes of the whole machine, or of the control group where that has less; NAN: not known. */
double duo_machine_memory_all(void);

/* DUO_NO_RESOURCES with both numbers when `bytes` are more than may be taken.  Systems promise memory that they don't have, and
 * end the program when it is used: so it is asked for beforehand. */
enum duo_status duo_machine_room(double bytes, const char *what, const char *path, struct duo_err *);

#endif
