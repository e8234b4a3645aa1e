/* Never returns. */
#include "policies/policy.h"
static void next(struct duo_turn *t) { volatile int i = 0; while (t) i = !i; }
DUO_POLICY(bad_hang, .about = "hangs", .next = next);
