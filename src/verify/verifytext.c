/* SPDX-License-Identifier: MIT */
/* The text that models are compared on when the caller brings none: words of several kinds. */
#include "src/verify/verify_internal.h"

const char anm_verify_text[] =
    "Once upon a time there was a lighthouse keeper who counted the ships that passed his island. "
    "Every evening he climbed the one hundred and twenty steps, lit the lamp, and wrote the day's "
    "number into a book. On quiet days the number was small, and he was content; on stormy days it "
    "was larger, and he did not sleep. \"Why do you count them?\" asked the girl who brought him "
    "bread. \"Because somebody should know how many came home,\" he said.\n\n"
    "Water boils at 100 degrees Celsius at sea level, but at a lower temperature on a mountain, "
    "because the pressure of the air is less there. The same is true of most liquids. To cook rice "
    "at a height of 3,000 metres takes about a quarter longer than at the coast.\n\n"
    "def mean(values):\n"
    "    \"\"\"The average of a list of numbers.\"\"\"\n"
    "    if not values:\n"
    "        return 0.0\n"
    "    return sum(values) / len(values)\n\n"
    "Question: A train leaves at 9:15 and arrives at 11:40. How long does the journey take?\n"
    "Answer: From 9:15 to 11:15 are two hours, and from 11:15 to 11:40 are 25 minutes, so the "
    "journey takes two hours and 25 minutes.\n\n"
    "Le chat dort sur la chaise. Der Hund schl\xc3\xa4"
    "ft unter dem Tisch. El p\xc3\xa1jaro canta en la ventana.\n\n"
    "The old bridge was closed in the spring of 1998. For years the town could not agree whether "
    "to repair it or to build a new one; in the end it did both. The new bridge carries the road, "
    "and the old one belongs to people who walk, to the fishermen, and to the swallows, which nest "
    "under its arches from April to September.\n";
