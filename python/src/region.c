// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* region.c: memory of frozen graphs: taken piece by piece, given back whole.
 *
 * An area reserves more address space than any graph needs, hands it out from
 * its beginning, and gives back the rest when the graph is complete.
 *
 * Invariants:
 *   G1  A region is mapped while it has a reference or a holder. Who opens it
 *       has a reference, so it is never found with neither.
 *   G2  A holder is an interpreter that may still touch the objects: it is one
 *       until its number has left CPython's list, which is after everything
 *       it had is cleared; the end of its module, or of atexit, is too early.
 *       The main interpreter holds for as long as there is a process.
 * Process-wide state: the list of regions, the list of holders, and the lock of
 *          both, which nests in nothing. Nothing of Python is touched under
 *          it. */
#include "region.h"

#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "compat.h"

/* How much address space is asked for, at first and at least. */
#define MOST_BYTES ((size_t)1 << 36)
#define LEAST_BYTES ((size_t)1 << 20)

enum { HUGE_BYTES = 2 << 20 }; /* beyond that memory comes in huge pages */

static pthread_mutex_t regions_lock = PTHREAD_MUTEX_INITIALIZER;
static struct region *regions;

/* Every interpreter that holds any, once, whether or not they are still there;
 * it leaves with region_interpreter_gone(). */
static struct ids {
    int64_t *list;
    size_t n, room;
} all_holders;

/* ---- forks ---- */

/* Threads may let go of a region without a GIL, while another one forks. */
static void
before_fork(void)
{
    pthread_mutex_lock(&regions_lock);
}

static void
after_fork(void)
{
    pthread_mutex_unlock(&regions_lock);
}

static pthread_once_t watched = PTHREAD_ONCE_INIT;

static void
watch_forks(void)
{
    pthread_atfork(before_fork, after_fork, after_fork);
}

/* ---- areas ---- */

static char *
round_up(char *p, size_t to)
{
    return p + (to - (uintptr_t)p % to) % to;
}

/* Returns: 0; -1 with MemoryError. */
static int
area_reserve(struct area *a)
{
    for (size_t size = MOST_BYTES; size >= 2 * LEAST_BYTES; size /= 2) {
        void *at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (at == MAP_FAILED) /* address space or memory is limited */
            continue;
        if (size < MOST_BYTES) { /* others need some of it, too */
            size /= 2;
            munmap((char *)at + size, size);
        }
        a->base = a->at = at;
        a->end = a->base + size;
        a->limit = a->base + (size < HUGE_BYTES ? size : HUGE_BYTES);
        return 0;
    }
    PyErr_NoMemory();
    return -1;
}

/* Beyond the limit: from there on in huge pages, up to the end. */
static int
area_extend(struct area *a, size_t size)
{
    if (!a->base && area_reserve(a) < 0)
        return -1;
    if (a->limit < a->end && (size_t)(a->limit - a->at) < size) {
#ifdef MADV_HUGEPAGE
        char *from = round_up(a->limit, HUGE_BYTES);
        if (from < a->end)
            madvise(from, (size_t)(a->end - from), MADV_HUGEPAGE);
#endif
        a->limit = a->end;
    }
    if ((size_t)(a->limit - a->at) >= size)
        return 0;
    PyErr_NoMemory();
    return -1;
}

static inline void *
area_take(struct area *a, size_t size)
{
    size = (size + 7) & ~(size_t)7;
    if ((size_t)(a->limit - a->at) < size && area_extend(a, size) < 0)
        return NULL;
    void *p = a->at;
    a->at += size;
    return p;
}

static void
area_close(struct area *a, int protection)
{
    char *end = round_up(a->at, (size_t)sysconf(_SC_PAGESIZE));

    if (end < a->end)
        munmap(end, (size_t)(a->end - end));
    a->end = a->limit = end;
    if (a->base < end && protection != (PROT_READ | PROT_WRITE))
        mprotect(a->base, (size_t)(end - a->base), protection);
}

static void
area_free(struct area *a)
{
    if (a->base < a->end)
        munmap(a->base, (size_t)(a->end - a->base));
}

/* ---- regions ---- */

struct region *
region_new(void)
{
    struct region *r = PyMem_RawCalloc(1, sizeof *r);

    pthread_once(&watched, watch_forks);
    if (!r) {
        PyErr_NoMemory();
        return NULL;
    }
    r->refs = 1;
    r->shells_end = &r->shells;
    return r;
}

static void
region_free(struct region *r)
{
    area_free(&r->objects);
    area_free(&r->mappings);
    PyMem_RawFree(r->holders);
    PyMem_RawFree(r);
}

void *
region_take(struct region *r, size_t size)
{
    r->nodes++;
    return area_take(&r->objects, size);
}

void *
region_take_mapping(struct region *r, size_t size)
{
    return area_take(&r->mappings, size);
}

struct shell *
region_take_shell(struct region *r, enum shell_kind kind, Py_ssize_t n)
{
    struct shell *s = region_take(r, sizeof *s + (size_t)n * sizeof *s->items);

    if (!s)
        return NULL;
    s->kind = kind;
    s->n = n;
    s->number = r->n_shells++;
    *r->shells_end = s;
    r->shells_end = &s->next;
    return s;
}

size_t
region_bytes(const struct region *r)
{
    return (size_t)(r->objects.at - r->objects.base) +
           (size_t)(r->mappings.at - r->mappings.base);
}

void
region_publish(struct region *r, bool protect)
{
    area_close(&r->objects, protect ? PROT_READ : PROT_READ | PROT_WRITE);
    area_close(&r->mappings, PROT_READ);
    pthread_mutex_lock(&regions_lock);
    r->next = regions;
    if (r->next)
        r->next->prev = r;
    regions = r;
    pthread_mutex_unlock(&regions_lock);
}

/* ---- references and holders ---- */

/* Under the lock. Returns: whether it can be freed, being on no list now. */
static bool
is_left(struct region *r)
{
    if (r->refs || r->n_holders)
        return false;
    if (r->next)
        r->next->prev = r->prev;
    if (r->prev)
        r->prev->next = r->next;
    else if (regions == r) /* not so while it is being built */
        regions = r->next;
    return true;
}

void
region_ref(struct region *r)
{
    pthread_mutex_lock(&regions_lock);
    r->refs++;
    pthread_mutex_unlock(&regions_lock);
}

void
region_unref(struct region *r)
{
    pthread_mutex_lock(&regions_lock);
    r->refs--;
    bool left = is_left(r);
    pthread_mutex_unlock(&regions_lock);
    if (left)
        region_free(r);
}

static bool
has_id(const int64_t *list, size_t n, int64_t id)
{
    for (size_t i = 0; i < n; i++)
        if (list[i] == id)
            return true;
    return false;
}

/* Returns: false: there is no memory. */
static bool
add_id(int64_t **list, size_t *n, size_t *room, int64_t id)
{
    if (has_id(*list, *n, id))
        return true;
    if (*n == *room) {
        size_t more = *room ? *room * 2 : 4;
        int64_t *ids = PyMem_RawRealloc(*list, more * sizeof *ids);
        if (!ids)
            return false;
        *list = ids;
        *room = more;
    }
    (*list)[(*n)++] = id;
    return true;
}

static void
drop_id(int64_t *list, size_t *n, int64_t id)
{
    for (size_t i = 0; i < *n; i++)
        if (list[i] == id)
            list[i--] = list[--*n];
}

int
region_hold(struct region *r, int64_t id)
{
    struct ids *all = &all_holders;

    pthread_mutex_lock(&regions_lock);
    bool held = add_id(&all->list, &all->n, &all->room, id) &&
                add_id(&r->holders, &r->n_holders, &r->holders_room, id);
    pthread_mutex_unlock(&regions_lock);
    if (held)
        return 0;
    PyErr_NoMemory();
    return -1;
}

void
region_interpreter_gone(int64_t id)
{
    struct region *left = NULL;

    pthread_mutex_lock(&regions_lock);
    bool held = has_id(all_holders.list, all_holders.n, id);
    drop_id(all_holders.list, &all_holders.n, id);
    for (struct region *r = held ? regions : NULL, *next; r; r = next) {
        next = r->next;
        drop_id(r->holders, &r->n_holders, id);
        if (is_left(r)) {
            r->next = left;
            left = r;
        }
    }
    pthread_mutex_unlock(&regions_lock);
    while (left) {
        struct region *r = left;
        left = r->next;
        region_free(r);
    }
}

/* The holder at @p i; -1: there are no more. */
static int64_t
holder_at(size_t i)
{
    pthread_mutex_lock(&regions_lock);
    int64_t id = i < all_holders.n ? all_holders.list[i] : -1;
    pthread_mutex_unlock(&regions_lock);
    return id;
}

/* Others may change the list meanwhile: who is missed is found next time. */
void
region_sweep(void)
{
    int64_t id;

    for (size_t i = 0; (id = holder_at(i)) >= 0;)
        if (compat_interpreter_exists(id))
            i++;
        else
            region_interpreter_gone(id);
}

/* ---- for people ---- */

static bool
info_of(const struct region *r, struct region_info *info)
{
    *info = (struct region_info){
        .bytes = region_bytes(r),
        .nodes = r->nodes,
        .shells = r->n_shells,
        .handles = r->refs,
        .n_holders = r->n_holders,
        .holders = PyMem_RawMalloc((r->n_holders + 1) * sizeof(int64_t))};
    if (info->holders && r->n_holders)
        memcpy(info->holders, r->holders, r->n_holders * sizeof(int64_t));
    return info->holders != NULL;
}

Py_ssize_t
region_list(struct region_info **out)
{
    size_t n = 0, room = 0;
    bool ok = true;

    pthread_mutex_lock(&regions_lock);
    for (struct region *r = regions; r; r = r->next)
        room++;
    *out = PyMem_RawMalloc((room + 1) * sizeof **out);
    ok = *out != NULL;
    for (struct region *r = regions; ok && r; r = r->next)
        if ((ok = info_of(r, &(*out)[n])))
            n++;
    pthread_mutex_unlock(&regions_lock);
    if (ok)
        return (Py_ssize_t)n;
    while (n)
        PyMem_RawFree((*out)[--n].holders);
    PyMem_RawFree(*out);
    PyErr_NoMemory();
    return -1;
}
