/* money.h - dollars and grams of CO2e, of requests and of a run.
 *
 * (1) An API bills tokens at its list price: new input, cached input, output.  A call that was refused or failed has
 *     made none and is not billed; one that was cancelled is, for its input and what it had written.
 * (2) Replicas of our own.  `money: used`: a job's share of its iterations' seconds.  `money: reserved`: all replicas
 *     from the warm-up (or their start) to the end (or their stop), busy or not: a sum of the run, which the
 *     analysis spreads evenly over the requests, so that a policy that never goes there pays for it, too.
 * (3) Where the scenario has a price for it: the bytes that a device sent and received, the joules that it spent.
 * (4) Grams: the joules of a place or device times the intensity of its region's electricity.  Unknown where joules
 *     were spent and no region was given.
 * (5) A price of 0, and an API without one, are refused: nothing is cheapest by accident.  Under `reserved` the same
 *     holds for accelerators; under `used` dollars of one without a price are unknown. */
#ifndef DUO_SIM_MONEY_H
#define DUO_SIM_MONEY_H

#include "sim/world.h"

enum duo_status duo_money_build(struct duo_world *, struct duo_err *);               /* once the places are there */
void   duo_money_work(struct duo_request *, int place, const struct duo_job *);      /* of a job that has ended */
void   duo_money_end (struct duo_request *);                                         /* before its row is written */
void   duo_money_describe(struct duo_world *);                                       /* the run's regime and status */
/* $ that replicas of our own cost until `end`; NAN: not reserved. */
double duo_money_reserved(const struct duo_world *, double end);

#endif
