// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* copies.c: whether there is one copy of the core in this process.
 *
 * What this extension was linked with is one. Looking a symbol up does not
 * find another: a library that was loaded for itself, as extensions and
 * plugins are, is out of sight. So each file that is loaded is asked whether
 * it has a core. A copy that shows no symbols cannot be found by anybody. */
#define _GNU_SOURCE
#include <Python.h>

#include "copies.h"

#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <string.h>

#include <csp/chan.h>

static const char symbol[] = "csp_chan_new";

/* The names of the files that are loaded: nothing can be asked of them while
 * the list of them is locked. */
struct files {
    char **names; /* "" is the program */
    size_t n, room;
    bool no_memory;
};

static int
note_file(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct files *files = arg;

    (void)size;
    if (files->n == files->room) {
        size_t room = files->room ? 2 * files->room : 64;
        char **names = realloc(files->names, room * sizeof *names);
        if (!names)
            return files->no_memory = true;
        files->names = names;
        files->room = room;
    }
    char *name = strdup(info->dlpi_name);
    if (!name)
        return files->no_memory = true;
    files->names[files->n++] = name;
    return 0;
}

/* The core in the file @p name or, if it has none, in what it was linked with;
 * NULL: there is none. */
static void *
core_of(const char *name)
{
    void *file = dlopen(*name ? name : NULL, RTLD_LAZY | RTLD_NOLOAD);
    void *core = file ? dlsym(file, symbol) : NULL;

    if (file)
        dlclose(file); /* it stays: somebody else has loaded it */
    return core;
}

static int
refuse(void *one, void *other)
{
    Dl_info a = {0}, b = {0};

    dladdr(one, &a);
    dladdr(other, &b);
    PyErr_Format(PyExc_ImportError,
                 "two copies of libintercsp in one process: %s and %s; all of "
                 "the program must link the one that intercsp uses",
                 a.dli_fname ? a.dli_fname : "?",
                 b.dli_fname ? b.dli_fname : "?");
    return -1;
}

int
copies_check(void)
{
    struct files files = {0};
    void *first = NULL, *core;
    int rc = 0;

    dl_iterate_phdr(note_file, &files);
    for (size_t i = 0; i < files.n && rc == 0; i++) {
        core = core_of(files.names[i]);
        if (core && first && core != first)
            rc = refuse(first, core);
        else if (core)
            first = core;
    }
    if (files.no_memory) {
        PyErr_NoMemory();
        rc = -1;
    }
    while (files.n > 0)
        free(files.names[--files.n]);
    free(files.names);
    return rc;
}
