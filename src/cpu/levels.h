/* SPDX-License-Identifier: MIT */
/*
 * Which levels this build has kernels for; meson says so. ANM_AVX2(text) is its text where AVX2
 * kernels are compiled and nothing elsewhere, so that tables need no conditionals.
 */
#ifndef ANM_CPU_LEVELS_H
#define ANM_CPU_LEVELS_H

#ifdef ANM_HAVE_AVX2
#define ANM_AVX2(...) __VA_ARGS__
#else
#define ANM_AVX2(...)
#endif

#ifdef ANM_HAVE_AVXVNNI
#define ANM_AVXVNNI(...) __VA_ARGS__
#else
#define ANM_AVXVNNI(...)
#endif

#ifdef ANM_HAVE_AVX512
#define ANM_AVX512(...) __VA_ARGS__
#else
#define ANM_AVX512(...)
#endif

#ifdef ANM_HAVE_AVX512VNNI
#define ANM_AVX512VNNI(...) __VA_ARGS__
#else
#define ANM_AVX512VNNI(...)
#endif

#ifdef ANM_HAVE_AMX
#define ANM_AMX(...) __VA_ARGS__
#else
#define ANM_AMX(...)
#endif

#ifdef ANM_HAVE_NEON
#define ANM_NEON(...) __VA_ARGS__
#else
#define ANM_NEON(...)
#endif

#ifdef ANM_HAVE_NEONDOT
#define ANM_NEONDOT(...) __VA_ARGS__
#else
#define ANM_NEONDOT(...)
#endif

#ifdef ANM_HAVE_NEONI8MM
#define ANM_NEONI8MM(...) __VA_ARGS__
#else
#define ANM_NEONI8MM(...)
#endif

#endif
