/* Asks for ever more steps. */
#include "policies/policy.h"
static void next(struct duo_turn *t) { duo_wait(t, 0); }
DUO_POLICY(bad_loop, .about = "asks for ever", .next = next);
