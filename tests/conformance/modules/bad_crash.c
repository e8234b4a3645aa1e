/* Crashes. */
#include "policies/policy.h"
#include <signal.h>
static void next(struct duo_turn *t) { (void)t; raise(SIGSEGV); }
DUO_POLICY(bad_crash, .about = "crashes", .next = next);
