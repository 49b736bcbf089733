/* SPDX-License-Identifier: MIT */
#ifndef ANM_HF_TOOLFORM_H
#define ANM_HF_TOOLFORM_H

#include "anemone/tool_call.h"
#include "src/base/str.h"

/* The form of calls that the text of a template shows. */
anm_tool_form anm_tool_form_in(anm_sv text);

#endif
