/* SPDX-License-Identifier: MIT */
#include "src/cpu/isa.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/cpu/isa_detect.h"

static const struct {
    const char *name;
    anm_isa below;
} levels[ANM_ISA_COUNT] = {
    [ANM_ISA_C] = {"c", ANM_ISA_C},
    [ANM_ISA_AVX2] = {"avx2", ANM_ISA_C},
    [ANM_ISA_AVXVNNI] = {"avxvnni", ANM_ISA_AVX2},
    [ANM_ISA_AVX512] = {"avx512", ANM_ISA_AVX2},
    [ANM_ISA_AVX512VNNI] = {"avx512vnni", ANM_ISA_AVX512},
    [ANM_ISA_AMX] = {"amx", ANM_ISA_AVX512VNNI},
    [ANM_ISA_NEON] = {"neon", ANM_ISA_C},
    [ANM_ISA_NEONDOT] = {"neondot", ANM_ISA_NEON},
    [ANM_ISA_NEONI8MM] = {"neoni8mm", ANM_ISA_NEONDOT},
};

const char *anm_isa_name(anm_isa isa) { return levels[isa].name; }

anm_isa anm_isa_below(anm_isa isa) { return levels[isa].below; }

/* Asked once: cpuid leaves a virtual machine each time. Threads that race find the same. */
static uint32_t available(void) {
    static _Atomic uint32_t known;
    uint32_t have = atomic_load_explicit(&known, memory_order_relaxed);
    if (have == 0) {
        have = anm_isa_detect();
        atomic_store_explicit(&known, have, memory_order_relaxed);
    }
    return have;
}

bool anm_isa_available(anm_isa isa) { return available() >> isa & 1; }

anm_isa anm_isa_best(void) {
    anm_isa best = ANM_ISA_C;
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++)
        if (anm_isa_available((anm_isa)isa)) best = (anm_isa)isa;
    return best;
}

/* The names, for an error: `names` holds them all. */
static void list_names(char *names, size_t size, bool available_only) {
    names[0] = '\0';
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++) {
        if (available_only && !anm_isa_available((anm_isa)isa)) continue;
        size_t used = strlen(names);
        snprintf(names + used, size - used, "%s%s", used ? ", " : "", levels[isa].name);
    }
}

static anm_status find_level(const char *name, const char *where, anm_isa *out, anm_error *err) {
    char names[128];
    for (int isa = 0; isa < ANM_ISA_COUNT; isa++) {
        if (strcmp(name, levels[isa].name) != 0) continue;
        *out = (anm_isa)isa;
        if (anm_isa_available(*out)) return ANM_OK;
        list_names(names, sizeof names, true);
        return anm_fail(err, ANM_ERROR_UNSUPPORTED, where,
                        "this machine cannot run \"%s\"; it has %s", name, names);
    }
    list_names(names, sizeof names, false);
    return anm_fail(err, ANM_ERROR_ARGUMENT, where, "no instruction set is called \"%s\"; use %s",
                    name, names);
}

anm_status anm_isa_choose(const char *name, anm_isa *out, anm_error *err) {
    *out = anm_isa_best();
    if (name && name[0]) return find_level(name, "--cpu", out, err);
    const char *wanted = getenv("ANEMONE_CPU");
    return wanted && wanted[0] ? find_level(wanted, "ANEMONE_CPU", out, err) : ANM_OK;
}
