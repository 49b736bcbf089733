/* SPDX-License-Identifier: MIT */
/* The four Unicode normal forms, over utf8proc's tables. */
#ifndef ANM_HF_TOK_FORMS_H
#define ANM_HF_TOK_FORMS_H

#include <stdint.h>

#include "src/base/str.h"
#include "src/base/vec.h"

typedef enum anm_unicode_form { ANM_NFC, ANM_NFD, ANM_NFKC, ANM_NFKD } anm_unicode_form;

typedef ANM_VEC(int32_t) anm_code_points;

/* True when the text is certainly in this form already; false may be a false alarm. */
bool anm_form_is_certain(anm_unicode_form form, anm_sv text);
/* Appends the text in this form. Linear in the text, whatever its combining marks. */
ANM_MUST_CHECK anm_status anm_form_append(anm_unicode_form form, anm_code_points *scratch,
                                          anm_sv text, anm_strbuf *out, anm_error *err);

#endif
