/* Returns NaN where a number is asked for. */
#include "policies/policy.h"
#include <math.h>
static void next(struct duo_turn *t) { duo_write(t, (struct duo_work){ .at = DUO_DEVICE, .from = t->prompt, .stop_below = NAN }); }
DUO_POLICY(bad_nan, .about = "NaN", .next = next);
