/* SPDX-License-Identifier: MIT */
/* Getting a model ready, with a line at a terminal where that takes long. */
#ifndef ANM_CLI_LOADLINE_H
#define ANM_CLI_LOADLINE_H

#include "anemone/llm.h"

/* anm_llm_prepare(); what it shows on stderr is gone when it returns. */
anm_status cli_load(const anm_llm *llm, anm_error *err);

#endif
