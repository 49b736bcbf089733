/* SPDX-License-Identifier: MIT */
#ifndef ANM_TESTS_SAME_PACKAGES_H
#define ANM_TESTS_SAME_PACKAGES_H

/*
 * Fails the running test unless each package of directory `a` is in `b` too with the same program
 * and weights, byte for byte. Gives their number.
 */
int same_packages(const char *a, const char *b);

#endif
