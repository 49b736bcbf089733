/* SPDX-License-Identifier: MIT */
/* The whole public API. */
#ifndef ANEMONE_ANEMONE_H
#define ANEMONE_ANEMONE_H

#include "anemone/chat.h"
#include "anemone/chat_template.h"
#include "anemone/combine.h"
#include "anemone/compile.h"
#include "anemone/convert.h"
#include "anemone/convert_plan.h"
#include "anemone/eval.h"
#include "anemone/grammar.h"
#include "anemone/hub.h"
#include "anemone/inspect.h"
#include "anemone/interrupt.h"
#include "anemone/llm.h"
#include "anemone/log.h"
#include "anemone/model_config.h"
#include "anemone/program.h"
#include "anemone/publish.h"
#include "anemone/safetensors.h"
#include "anemone/sampler.h"
#include "anemone/serve.h"
#include "anemone/status.h"
#include "anemone/tensor.h"
#include "anemone/tokenizer.h"
#include "anemone/tool_call.h"
#include "anemone/verify.h"

#endif
