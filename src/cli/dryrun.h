/* SPDX-License-Identifier: MIT */
/* `anemone convert --dry-run`: what would be made, as a table or as JSON. */
#ifndef ANM_CLI_DRYRUN_H
#define ANM_CLI_DRYRUN_H

#include <stdbool.h>

#include "anemone/convert.h"

/* Gives the exit code. */
int cli_dry_run(const char *model, const anm_convert_options *options, bool json);

#endif
