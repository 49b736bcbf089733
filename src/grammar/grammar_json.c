/* SPDX-License-Identifier: MIT */
/*
 * JSON in GBNF. White space is what models write, and bounded: without an end to it some models
 * never leave it. Numbers have bounded digits for the same reason. Strings are those that any
 * reader takes: no surrogate without its pair, and no \u0000.
 */
#include "src/grammar/grammar_json.h"

const char anm_grammar_json_rules[] =
    "ws ::= (\" \" | \"\\n\" [ \\t]{0,40})?\n"
    "value ::= object | array | string | number | boolean | null\n"
    "object ::= \"{\" ws (member (ws \",\" ws member)* ws)? \"}\"\n"
    "member ::= string ws \":\" ws value\n"
    "array ::= \"[\" ws (value (ws \",\" ws value)* ws)? \"]\"\n"
    "string ::= \"\\\"\" char* \"\\\"\"\n"
    "char ::= [^\"\\\\\\x00-\\x1F] | \"\\\\\" ([\"\\\\/bfnrt] | \"u\" escaped)\n"
    "hex ::= [0-9a-fA-F]\n"
    "escaped ::= \"000\" [1-9a-fA-F] | \"00\" [1-9a-fA-F] hex | \"0\" [1-9a-fA-F] hex{2}\n"
    "  | [1-9a-cA-CeEfF] hex{3} | [dD] [0-7] hex{2}\n"
    "  | [dD] [89abAB] hex{2} \"\\\\u\" [dD] [c-fC-F] hex{2}\n"
    "number ::= integer (\".\" [0-9]{1,20})? ([eE] [-+]? [0-9]{1,2})?\n"
    "integer ::= \"-\"? (\"0\" | [1-9] [0-9]{0,17})\n"
    "boolean ::= \"true\" | \"false\"\n"
    "null ::= \"null\"\n"
    "year-month-day ::= [0-9]{4} \"-\" (\n"
    "    (\"0\" [13578] | \"1\" [02]) \"-\" (\"0\" [1-9] | [12] [0-9] | \"3\" [01])\n"
    "  | (\"0\" [469] | \"11\") \"-\" (\"0\" [1-9] | [12] [0-9] | \"30\")\n"
    "  | \"02-\" (\"0\" [1-9] | \"1\" [0-9] | \"2\" [0-8]))\n"
    "clock ::= (([01] [0-9] | \"2\" [0-3]) \":\" [0-5] [0-9] \":\" [0-5] [0-9]\n"
    "  (\".\" [0-9]{1,9})? (\"Z\" | [-+] ([01] [0-9] | \"2\" [0-3]) \":\" [0-5] [0-9]))\n"
    "date ::= \"\\\"\" year-month-day \"\\\"\"\n"
    "time ::= \"\\\"\" clock \"\\\"\"\n"
    "date-time ::= \"\\\"\" year-month-day \"T\" clock \"\\\"\"\n"
    "uuid ::= \"\\\"\" hex{8} \"-\" hex{4} \"-\" hex{4} \"-\" hex{4} \"-\" hex{12} \"\\\"\"\n"
    "octet ::= [0-9] | [1-9] [0-9] | \"1\" [0-9]{2} | \"2\" [0-4] [0-9] | \"25\" [0-5]\n"
    "ipv4 ::= \"\\\"\" octet \".\" octet \".\" octet \".\" octet \"\\\"\"\n"
    "label ::= [a-zA-Z0-9] ([-a-zA-Z0-9]{0,61} [a-zA-Z0-9])?\n"
    "host ::= label (\".\" label){0,6}\n"
    "email ::= (\"\\\"\" [-a-zA-Z0-9_+]{1,40} (\".\" [-a-zA-Z0-9_+]{1,40}){0,3}\n"
    "  \"@\" label (\".\" label){1,4} \"\\\"\")\n"
    "path-char ::= [-a-zA-Z0-9._~!$&'()*+,;=:@] | \"%\" hex{2}\n"
    "uri ::= (\"\\\"\" [a-z] [-+.a-z0-9]{0,20} \"://\" host (\":\" [0-9]{1,4})?\n"
    "  (\"/\" path-char*)* ([?] (path-char | [/?])*)? (\"#\" (path-char | [/?])*)? \"\\\"\")\n";
