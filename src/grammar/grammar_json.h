/* SPDX-License-Identifier: MIT */
/* The rules that JSON is made of, for the grammar of any JSON and for those of schemas. */
#ifndef ANM_GRAMMAR_JSON_H
#define ANM_GRAMMAR_JSON_H

/*
 * Defines ws, value, object, array, string, char, number, integer, boolean, null, and the formats
 * date, time, date-time, uuid, ipv4, email, uri, each a whole JSON value.
 */
extern const char anm_grammar_json_rules[];

#endif
