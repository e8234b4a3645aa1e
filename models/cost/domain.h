/* domain.h - where cost models have been held against measurements: calibration/domains.csv, one row a gate and domain.
 *
 * (1) A place is inside when a gate of the claim covers its hardware (class or name), runtime, quant, accelerators, model
 *     size, batch and mean lengths, and its mark was met.  Else the text says what is the first of these that no gate
 *     covers, among the gates that cover what comes before it.
 * (2) An empty cell of the file is no bound.  What is not known of a place (NAN) is outside every bound.
 * (3) A gate that missed its mark vouches for nothing, and is named. */
#ifndef DUO_MODELS_DOMAIN_H
#define DUO_MODELS_DOMAIN_H

#include "models/cost/cost.h"

struct duo_domains;
enum duo_status duo_domains_open(struct duo_domains **, const char *dir, struct duo_err *);
void            duo_domains_free(struct duo_domains *);

/* What a place did in a run: sequences at once, at most; mean tokens of prompts and answers. */
struct duo_domain_use { const struct duo_facts *facts; double batch, prompt, output; };

enum duo_domain_claim { DUO_DOMAIN_TIME, DUO_DOMAIN_ENERGY, DUO_DOMAIN_CLAIMS };
/* `text`: "edge-decode (median error of tokens/s 12 %)", or why not: "no gate covers tpu-v5e". */
bool duo_domains_inside(const struct duo_domains *, enum duo_domain_claim, const struct duo_domain_use *, char *text, size_t n);

#endif
