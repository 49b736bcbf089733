/* SPDX-License-Identifier: MIT */
/*
 * Finds the members of one JSON object while its text grows byte by byte. It knows just enough of
 * JSON for that; whether the object is valid is for a parser to say once it is whole.
 */
#ifndef ANM_HF_CALLSCAN_H
#define ANM_HF_CALLSCAN_H

#include <stdbool.h>
#include <stddef.h>

typedef enum anm_scan_phase {
    ANM_SCAN_OPEN,  /* before "{" */
    ANM_SCAN_KEY,   /* before or in a key */
    ANM_SCAN_COLON, /* behind a key */
    ANM_SCAN_VALUE, /* before or in a value */
    ANM_SCAN_DONE,
    ANM_SCAN_BAD
} anm_scan_phase;

/* What the byte just taken completed. */
typedef enum anm_scan_event {
    ANM_SCAN_NOTHING,
    ANM_SCAN_KEY_END,
    ANM_SCAN_VALUE_BEGIN,
    ANM_SCAN_VALUE_END, /* value_end is set */
    ANM_SCAN_OBJECT_END
} anm_scan_event;

/* Zero it. Offsets count bytes from the first one taken. */
typedef struct anm_callscan {
    anm_scan_phase phase;
    size_t at;
    size_t key, key_end;     /* with its quotes */
    size_t value, value_end; /* of the key's value */
    int depth;               /* brackets open within the value */
    bool in_string, escaped, begun, ended;
} anm_callscan;

anm_scan_event anm_callscan_take(anm_callscan *scan, char byte);

#endif
