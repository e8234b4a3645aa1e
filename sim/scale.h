/* scale.h - replicas that start and stop with the load: `replicas: 1..8`.
 *
 * (1) When a job comes and more than `scale_up` jobs wait for each replica that is up or starting, one more starts.
 * (2) It is up `cold_start` seconds later.  Jobs that still wait elsewhere then, and have nothing resident there, come
 *     to it, the oldest request's first, as long as their replica has more jobs than it would have.
 * (3) A replica that had nothing to do for `scale_down` seconds stops, unless no more than the least number is up.
 *     Its KV is gone.
 * (4) From its start to its stop it takes idle power at least, and is paid for where replicas are reserved. */
#ifndef DUO_SIM_SCALE_H
#define DUO_SIM_SCALE_H

#include "sim/world.h"

enum duo_status duo_scale_build(struct duo_world *, int place, struct duo_err *);     /* once the replicas are there */
void   duo_scale_came(struct duo_world *, int place, int replica);            /* a job was submitted */
void   duo_scale_left(struct duo_world *, int place, int replica);            /* a job has left */
double duo_replica_seconds(const struct duo_replica *, double from, double end);      /* up or starting since `from`: 0, or the warm-up's end */

#endif
