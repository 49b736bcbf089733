/* SPDX-License-Identifier: MIT */
/* What a user calls a model, wherever a command takes one: a directory, or a name on the Hub. */
#ifndef ANM_CLI_MODELARG_H
#define ANM_CLI_MODELARG_H

#include "anemone/hub.h"

/*
 * A directory to run from, pulled and converted if need be, with progress on stderr: -1, and *out
 * to be released with anm_hub_free(); or an exit code after a message.
 */
int cli_model(const char *name, char **out);
/* The checkpoint, or whatever the model consists of on the Hub. */
int cli_model_source(const char *name, char **out);

#endif
