/* SPDX-License-Identifier: MIT */
/*
 * What a user calls a model, wherever a command takes one: a directory, or a name on the Hub, which
 * is pulled with progress on stderr. All give -1, and in *out a path that lives until the program
 * ends; or an exit code after a message.
 */
#ifndef ANM_CLI_MODELARG_H
#define ANM_CLI_MODELARG_H

/* A directory to run from; a plain checkpoint is converted if need be. */
int cli_model(const char *name, const char **out);
/* The checkpoint, or whatever the model consists of on the Hub. */
int cli_model_source(const char *name, const char **out);
/* One package: ORG/NAME:X.mlpackage, or the only one that the model has. */
int cli_model_package(const char *name, const char **out);

#endif
