/* SPDX-License-Identifier: MIT */
/* Messages that are not errors (a warning about a tensor, a chosen default). Silent by default. */
#ifndef ANM_BASE_LOG_H
#define ANM_BASE_LOG_H

#include "anemone/log.h"
#include "src/base/status.h"

void anm_log_write(anm_log_level level, const char *fmt, ...) ANM_PRINTF(2, 3);

#endif
