// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* layout.c: objects of CPython laid out by hand.
 *
 * What this relies on, for CPython 3.13, 3.14 and 3.15 with the GIL, default
 * and debug builds, on 64 bits; layout_check() looks whether it holds.
 *
 *   all       A reference count like None's is never written. Types here are
 *             static, without weak references and without a __dict__.
 *   int       Small ones (up to 256; from 3.15 on to 1024) are CPython's own.
 *   bytes     So are those of 0 and 1 byte. ob_shash: -1 until it is computed.
 *   str       So are the empty one, single characters below 256, and some
 *             hundred names (below), which are told by identity: a copy would
 *             be another name. hash and utf8: computed when first asked for;
 *             text with surrogates never has the latter. Interned "3" is
 *             static, in no interpreter's table.
 *   tuple     The empty one is CPython's own. From 3.14 on ob_hash, -1 until
 *             it is computed; it stays -1 where computing fails.
 *   slice, range   Keep no hash.
 *   mapping   3.15: frozendict, a dict with a hash behind it. Before:
 *             mappingproxy over a dict. Key tables are the same in all three.
 *   collected types   Two words before the object, zero: not tracked.
 *   all       Are aligned to 8 bytes, as the static objects of CPython are. To
 * 16 would take 10 % more memory, and with it time.
 *
 * Process-wide state: the table of static names and what the check has found,
 * written once, under a lock that nests in nothing. */
#include <patchlevel.h>

#if PY_VERSION_HEX < 0x03100000
#    include "internals.h"
#endif

#include <pthread.h>
#include <stddef.h>
#include <string.h>

#include "layout.h"

#if PY_VERSION_HEX < 0x03100000 && !defined(Py_GIL_DISABLED) &&                \
    !defined(Py_TRACE_REFS) && SIZEOF_VOID_P == 8
#    define IS_KNOWN 1
#else
#    define IS_KNOWN 0
#endif

#if IS_KNOWN

/* Private to their files in CPython. */
typedef struct {
    PyObject_HEAD
    PyObject *mapping;
} proxy_object;

typedef struct {
    PyObject_HEAD
    PyObject *parts[4]; /* start, stop, step, length */
} range_object;

enum { GC_HEAD_BYTES = 16, LOG2_MINSIZE = 3, NAMES_ROOM = 4096 };

/* ---- static names ---- */

static PyObject **names; /* open addressing */
static Py_ssize_t longest_name;
static size_t n_names;
static pthread_mutex_t check_lock = PTHREAD_MUTEX_INITIALIZER;
static bool is_checked;     /* these two are guarded by check_lock */
static const char *unknown; /* NULL: the layouts are as believed */

static bool
is_static_name(PyObject *s)
{
    const PyASCIIObject *a = (const PyASCIIObject *)s;

    return Py_IS_TYPE(s, &PyUnicode_Type) && a->state.ascii &&
           a->state.compact && a->state.statically_allocated &&
           a->state.interned == SSTATE_INTERNED_IMMORTAL_STATIC &&
           a->hash != -1 && a->length < 256;
}

/* Notes all in an array of {PyASCIIObject; char[length + 1]}. Returns: whether
 * it ends where it should. */
static bool
note_names(const void *from, size_t size)
{
    enum { STEP = _Alignof(PyASCIIObject) };
    const char *at = from, *end = at + size;

    while (at < end) {
        PyObject *s = (PyObject *)(uintptr_t)at;
        if (!is_static_name(s) || ++n_names > NAMES_ROOM / 2)
            return false;
        Py_ssize_t n = PyUnicode_GET_LENGTH(s);
        size_t i = (size_t)((PyASCIIObject *)s)->hash % NAMES_ROOM;
        while (names[i])
            i = (i + 1) % NAMES_ROOM;
        names[i] = s;
        if (n > longest_name)
            longest_name = n;
        at += (sizeof(PyASCIIObject) + (size_t)n + STEP) & ~(size_t)(STEP - 1);
    }
    return at == end;
}

static bool
note_all_names(void)
{
#    define STRINGS _PyRuntime.static_objects.singletons.strings
    if (names) /* there was no memory for something else, last time */
        return true;
    names = PyMem_RawCalloc(NAMES_ROOM, sizeof *names);
    if (!names)
        PyErr_NoMemory();
    return names && note_names(&STRINGS.literals, sizeof STRINGS.literals) &&
           note_names(&STRINGS.identifiers, sizeof STRINGS.identifiers);
}

/* The name equal to @p s, or NULL. */
static PyObject *
static_name(PyObject *s, Py_hash_t hash)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(s);

    if (n > longest_name)
        return NULL;
    for (size_t i = (size_t)hash % NAMES_ROOM; names[i];
         i = (i + 1) % NAMES_ROOM)
        if (PyUnicode_GET_LENGTH(names[i]) == n &&
            memcmp(PyUnicode_DATA(names[i]), PyUnicode_DATA(s), (size_t)n) == 0)
            return names[i];
    return NULL;
}

/* ---- the check ---- */

/* Whether the table of keys of @p dict is as layout_fill() makes them. */
static bool
check_keys(PyObject *dict, PyObject *key, PyObject *value, int kind)
{
    const PyDictObject *d = (const PyDictObject *)dict;
    const struct _dictkeysobject *k = d->ma_keys;
    const char *entries = k->dk_indices + ((size_t)1 << k->dk_log2_index_bytes);
    const PyDictUnicodeEntry *u = (const void *)entries;
    const PyDictKeyEntry *g = (const void *)entries;
    bool same = kind == DICT_KEYS_UNICODE
                    ? u->me_key == key && u->me_value == value
                    : g->me_key == key && g->me_value == value &&
                          g->me_hash == PyObject_Hash(key);

    return !d->ma_values && d->ma_used == 1 && k->dk_refcnt == 1 &&
           k->dk_log2_size == 3 && k->dk_log2_index_bytes == 3 &&
           k->dk_kind == kind && k->dk_usable == 4 && k->dk_nentries == 1 &&
           same;
}

static bool
check_dict(PyObject *key, int kind)
{
    PyObject *dict = PyDict_New(), *proxy = NULL;
    bool ok = dict && PyDict_SetItem(dict, key, Py_None) == 0 &&
              check_keys(dict, key, Py_None, kind);

    ok = ok && (proxy = PyDictProxy_New(dict)) &&
         ((proxy_object *)proxy)->mapping == dict;
    Py_XDECREF(proxy);
    Py_XDECREF(dict);
    return ok;
}

static bool
check_range(void)
{
    PyObject *range = PyObject_CallFunction((PyObject *)&PyRange_Type, "iii",
                                            1000000, 3000001, 1000);
    bool ok = range != NULL;
    const long parts[] = {1000000, 3000001, 1000, 2001};

    for (int i = 0; ok && i < 4; i++) {
        PyObject *part = ((range_object *)range)->parts[i];
        ok = PyLong_CheckExact(part) && PyLong_AsLong(part) == parts[i];
    }
    Py_XDECREF(range);
    return ok;
}

static bool
check_type(const PyTypeObject *type, size_t size, size_t item)
{
    return type->tp_basicsize == (Py_ssize_t)size &&
           type->tp_itemsize == (Py_ssize_t)item &&
           type->tp_weaklistoffset == 0 && type->tp_dictoffset == 0 &&
           !(type->tp_flags & Py_TPFLAGS_HEAPTYPE);
}

static bool
check_types(void)
{
    bool ok =
        check_type(&PyUnicode_Type, sizeof(PyUnicodeObject), 0) &&
        check_type(&PyBytes_Type, offsetof(PyBytesObject, ob_sval) + 1, 1) &&
        check_type(&PyLong_Type, offsetof(PyLongObject, long_value.ob_digit),
                   sizeof(digit)) &&
        check_type(&PyFloat_Type, sizeof(PyFloatObject), 0) &&
        check_type(&PyComplex_Type, sizeof(PyComplexObject), 0) &&
        check_type(&PyTuple_Type, offsetof(PyTupleObject, ob_item),
                   sizeof(PyObject *)) &&
        check_type(&PySlice_Type, sizeof(PySliceObject), 0) &&
        check_type(&PyRange_Type, sizeof(range_object), 0) &&
        check_type(&PyDict_Type, sizeof(PyDictObject), 0) &&
        check_type(&PyDictProxy_Type, sizeof(proxy_object), 0);
#    if PY_VERSION_HEX >= 0x030f0000
    ok = ok && check_type(&PyFrozenDict_Type, sizeof(PyFrozenDictObject), 0);
#    endif
    return ok && sizeof(PyGC_Head) == GC_HEAD_BYTES;
}

/* Whether the ints around @p least and @p most are CPython's own up to there
 * and no further. */
static bool
check_small_ints(long least, long most)
{
    bool ok = true;
    const long sides[][2] = {{least, least - 1}, {most, most + 1}};

    for (int i = 0; i < 2; i++)
        for (int outside = 0; outside < 2; outside++) {
            PyObject *a = PyLong_FromLong(sides[i][outside]);
            PyObject *b = PyLong_FromLong(sides[i][outside]);
            ok = ok && a && b && (a == b) == !outside;
            Py_XDECREF(a);
            Py_XDECREF(b);
        }
    return ok;
}

/* Returns: what is not as believed, NULL: all is; for nothing if there is an
 * exception. */
static const char *
check(PyObject *name)
{
    if (Py_Version >> 16 != PY_VERSION_HEX >> 16)
        return "another version";
    if (!note_all_names())
        return "static strings";
    if (static_name(name, PyObject_Hash(name)) != name)
        return "static names";
    if (!check_types())
        return "sizes of objects";
    if (!check_small_ints(-_PY_NSMALLNEGINTS, _PY_NSMALLPOSINTS - 1))
        return "small integers";
    if (!check_dict(name, DICT_KEYS_UNICODE) ||
        !check_dict(PyTuple_Type.tp_mro, DICT_KEYS_GENERAL))
        return "dicts";
    return check_range() ? NULL : "ranges";
}

int
layout_check(void)
{
    PyObject *name = PyUnicode_InternFromString("__name__");

    pthread_mutex_lock(&check_lock);
    if (name && !is_checked) {
        unknown = check(name);
        is_checked = !PyErr_Occurred();
    }
    const char *what = unknown;
    pthread_mutex_unlock(&check_lock);
    Py_XDECREF(name);
    if (what && !PyErr_Occurred())
        PyErr_Format(PyExc_NotImplementedError,
                     "freeze() does not know how CPython %s lays out its "
                     "objects: %s",
                     Py_GetVersion(), what);
    return PyErr_Occurred() ? -1 : 0;
}

/* ---- what all have ---- */

/* None has the reference count that we need. */
static inline void *
init(void *obj, PyTypeObject *type)
{
    memcpy(obj, Py_None, offsetof(PyObject, ob_type));
    ((PyObject *)obj)->ob_type = type;
    return obj;
}

static inline void *
take(struct region *r, size_t size, PyTypeObject *type)
{
    void *obj = region_take(r, size);
    return obj ? init(obj, type) : NULL;
}

static inline void *
take_collected(struct region *r, size_t size, PyTypeObject *type)
{
    char *head = region_take(r, GC_HEAD_BYTES + size);
    return head ? init(head + GC_HEAD_BYTES, type) : NULL;
}

bool
layout_is_immortal(PyObject *obj)
{
    return _Py_IsImmortal(obj);
}

/* ---- str ---- */

static bool
has_surrogates(PyObject *s)
{
    Py_ssize_t n = PyUnicode_GET_LENGTH(s);
    int kind = PyUnicode_KIND(s);
    const void *text = PyUnicode_DATA(s);
    bool has = false;

    for (Py_ssize_t i = 0; kind != PyUnicode_1BYTE_KIND && i < n; i++)
        has |= Py_UNICODE_IS_SURROGATE(PyUnicode_READ(kind, text, i));
    return has;
}

/* The UTF-8 of @p s beside it; text with surrogates has none: not asked for, as
 * that might run an error handler of the program's. */
static int
fill_utf8(struct region *r, PyObject *s, PyObject *src)
{
    PyCompactUnicodeObject *c = (PyCompactUnicodeObject *)s;
    PyObject *bytes = NULL;

    c->utf8 = NULL;
    c->utf8_length = 0;
    if (has_surrogates(src))
        return 0;
    if (!(bytes = PyUnicode_AsUTF8String(src)))
        return -1;
    size_t n = (size_t)PyBytes_GET_SIZE(bytes);
    char *utf8 = region_take(r, n + 1);
    if (utf8) {
        r->nodes--; /* it is part of s */
        memcpy(utf8, PyBytes_AS_STRING(bytes), n + 1);
        c->utf8 = utf8;
        c->utf8_length = (Py_ssize_t)n;
    }
    Py_DECREF(bytes);
    return utf8 ? 0 : -1;
}

PyObject *
layout_str(struct region *r, PyObject *src)
{
    const PyASCIIObject *from = (const PyASCIIObject *)src;
    Py_ssize_t n = PyUnicode_GET_LENGTH(src);

    if (n == 0)
        return PyUnicode_New(0, 0);
    if (n == 1 && PyUnicode_READ_CHAR(src, 0) < 256)
        return PyUnicode_FromOrdinal((int)PyUnicode_READ_CHAR(src, 0));
    Py_hash_t hash = PyObject_Hash(src);
    bool ascii = PyUnicode_IS_COMPACT_ASCII(src);
    PyObject *name = ascii ? static_name(src, hash) : NULL;
    if (name)
        return name;
    size_t head =
        ascii ? sizeof(PyASCIIObject) : sizeof(PyCompactUnicodeObject);
    size_t text = (size_t)(n + 1) * PyUnicode_KIND(src);
    PyASCIIObject *s = take(r, head + text, &PyUnicode_Type);
    if (!s)
        return NULL;
    s->length = n;
    s->hash = hash;
    s->state = from->state;
    s->state.interned = SSTATE_INTERNED_IMMORTAL_STATIC;
    s->state.statically_allocated = 1;
    memcpy((char *)s + head, PyUnicode_DATA(src), text);
    if (!ascii && fill_utf8(r, (PyObject *)s, src) < 0)
        return NULL;
    return (PyObject *)s;
}

/* ---- other leaves ---- */

PyObject *
layout_bytes(struct region *r, const char *data, Py_ssize_t n)
{
    if (n <= 1)
        return PyBytes_FromStringAndSize(data, n);
    PyBytesObject *b = take(r, offsetof(PyBytesObject, ob_sval) + (size_t)n + 1,
                            &PyBytes_Type);
    if (!b)
        return NULL;
    Py_SET_SIZE(b, n);
    memcpy(b->ob_sval, data, (size_t)n);
    _Py_COMP_DIAG_PUSH _Py_COMP_DIAG_IGNORE_DEPR_DECLS b->ob_shash = -1;
    _Py_COMP_DIAG_POP PyObject_Hash((PyObject *)b);
    return (PyObject *)b;
}

PyObject *
layout_int(struct region *r, PyObject *src)
{
    const _PyLongValue *from = &((PyLongObject *)src)->long_value;
    size_t n = from->lv_tag >> _PyLong_NON_SIZE_BITS;

    if (n <= 1) {
        long i = PyLong_AsLong(src);
        if (i >= -_PY_NSMALLNEGINTS && i < _PY_NSMALLPOSINTS)
            return PyLong_FromLong(i);
    }
    PyLongObject *l =
        take(r, offsetof(PyLongObject, long_value.ob_digit) + n * sizeof(digit),
             &PyLong_Type);
    if (l)
        memcpy(&l->long_value, from,
               offsetof(_PyLongValue, ob_digit) + n * sizeof(digit));
    return (PyObject *)l;
}

PyObject *
layout_float(struct region *r, PyObject *src)
{
    PyFloatObject *f = take(r, sizeof *f, &PyFloat_Type);

    if (f)
        f->ob_fval = PyFloat_AS_DOUBLE(src);
    return (PyObject *)f;
}

PyObject *
layout_complex(struct region *r, PyObject *src)
{
    PyComplexObject *c = take(r, sizeof *c, &PyComplex_Type);

    if (c)
        c->cval = ((PyComplexObject *)src)->cval;
    return (PyObject *)c;
}

/* ---- containers ---- */

PyObject *
layout_tuple(struct region *r, Py_ssize_t n, node **parts)
{
    PyTupleObject *t = take_collected(
        r, offsetof(PyTupleObject, ob_item) + (size_t)n * sizeof(PyObject *),
        &PyTuple_Type);

    if (!t)
        return NULL;
    Py_SET_SIZE(t, n);
#    if PY_VERSION_HEX >= 0x030e0000
    t->ob_hash = -1;
#    endif
    *parts = (node *)(void *)t->ob_item;
    return (PyObject *)t;
}

PyObject *
layout_slice(struct region *r, node **parts)
{
    PySliceObject *s = take_collected(r, sizeof *s, &PySlice_Type);

    if (s)
        *parts = (node *)(void *)&s->start;
    return (PyObject *)s;
}

PyObject *
layout_range(struct region *r, node **parts)
{
    range_object *range = take(r, sizeof *range, &PyRange_Type);

    if (range)
        *parts = (node *)(void *)range->parts;
    return (PyObject *)range;
}

PyObject *const *
layout_parts(PyObject *src, Py_ssize_t *n)
{
    bool is_slice = PySlice_Check(src);

    *n = is_slice ? 3 : 4;
    return is_slice ? &((PySliceObject *)src)->start
                    : ((range_object *)src)->parts;
}

#    if PY_VERSION_HEX >= 0x030f0000
static bool
keeps_hash(PyObject *obj)
{
    return PyTuple_CheckExact(obj) || PyFrozenDict_CheckExact(obj);
}
#    elif PY_VERSION_HEX >= 0x030e0000
/* Whether hash(@p part) fails: it has a proxy in it. Its own parts are
 * complete, and a slice has none that are slices. */
static bool
lacks_hash(PyObject *part)
{
    if (PyTuple_CheckExact(part))
        return ((PyTupleObject *)part)->ob_hash == -1;
    if (!PySlice_Check(part))
        return Py_IS_TYPE(part, &PyDictProxy_Type);
    const PySliceObject *s = (PySliceObject *)part;
    return lacks_hash(s->start) || lacks_hash(s->stop) || lacks_hash(s->step);
}

/* That it would fail is not found out by trying: a tuple with a proxy deep
 * inside would be gone through once per level. */
static bool
keeps_hash(PyObject *obj)
{
    bool keeps = PyTuple_CheckExact(obj);

    for (Py_ssize_t i = 0; keeps && i < PyTuple_GET_SIZE(obj); i++)
        keeps = !lacks_hash(PyTuple_GET_ITEM(obj, i));
    return keeps;
}
#    else
static bool
keeps_hash(PyObject *Py_UNUSED(obj))
{
    return false;
}
#    endif

int
layout_complete(PyObject *obj)
{
    return keeps_hash(obj) && PyObject_Hash(obj) == -1 ? -1 : 0;
}

/* ---- mappings ---- */

PyObject *
layout_mapping(struct region *r)
{
#    if PY_VERSION_HEX >= 0x030f0000
    PyFrozenDictObject *f = take_collected(r, sizeof *f, &PyFrozenDict_Type);

    if (f)
        f->ma_hash = -1;
    return (PyObject *)f;
#    else
    proxy_object *p = take_collected(r, sizeof *p, &PyDictProxy_Type);
    char *dict = region_take_mapping(r, GC_HEAD_BYTES + sizeof(PyDictObject));

    if (!p || !dict)
        return NULL;
    p->mapping = init(dict + GC_HEAD_BYTES, &PyDict_Type);
    return (PyObject *)p;
#    endif
}

static void
set_index(struct _dictkeysobject *k, size_t i, Py_ssize_t entry)
{
    if (k->dk_log2_size < 8)
        ((int8_t *)k->dk_indices)[i] = (int8_t)entry;
    else if (k->dk_log2_size < 16)
        ((int16_t *)(void *)k->dk_indices)[i] = (int16_t)entry;
    else if (k->dk_log2_size < 32)
        ((int32_t *)(void *)k->dk_indices)[i] = (int32_t)entry;
    else
        ((int64_t *)(void *)k->dk_indices)[i] = entry;
}

static bool
is_free(const struct _dictkeysobject *k, size_t i)
{
    if (k->dk_log2_size < 8)
        return ((const int8_t *)k->dk_indices)[i] < 0;
    if (k->dk_log2_size < 16)
        return ((const int16_t *)(const void *)k->dk_indices)[i] < 0;
    if (k->dk_log2_size < 32)
        return ((const int32_t *)(const void *)k->dk_indices)[i] < 0;
    return ((const int64_t *)(const void *)k->dk_indices)[i] < 0;
}

/* A table for @p n keys with all its indices free. */
static struct _dictkeysobject *
new_keys(struct region *r, Py_ssize_t n, bool is_unicode)
{
    uint8_t log2 = LOG2_MINSIZE;

    while (((size_t)2 << log2) / 3 < (size_t)n)
        log2++;
    uint8_t log2_bytes = (uint8_t)(log2 + (log2 < 8    ? 0
                                           : log2 < 16 ? 1
                                           : log2 < 32 ? 2
                                                       : 3));
    size_t room = ((size_t)2 << log2) / 3;
    size_t indices = (size_t)1 << log2_bytes;
    size_t entry =
        is_unicode ? sizeof(PyDictUnicodeEntry) : sizeof(PyDictKeyEntry);
    /* all entries: who copies a dict copies the whole table */
    struct _dictkeysobject *k =
        region_take_mapping(r, sizeof *k + indices + room * entry);
    if (!k)
        return NULL;
    k->dk_refcnt = 1;
    k->dk_log2_size = log2;
    k->dk_log2_index_bytes = log2_bytes;
    k->dk_kind = is_unicode ? DICT_KEYS_UNICODE : DICT_KEYS_GENERAL;
    k->dk_usable = (Py_ssize_t)room - n;
    k->dk_nentries = n;
    memset(k->dk_indices, 0xff, indices);
    return k;
}

/* As CPython looks a key up. */
static void
enter(struct _dictkeysobject *k, Py_hash_t hash, Py_ssize_t entry)
{
    size_t mask = ((size_t)1 << k->dk_log2_size) - 1;
    size_t perturb = (size_t)hash, i = perturb & mask;

    while (!is_free(k, i)) {
        perturb >>= 5;
        i = (i * 5 + perturb + 1) & mask;
    }
    set_index(k, i, entry);
}

static bool
all_are_str(const node *keys, Py_ssize_t n)
{
    for (Py_ssize_t i = 0; i < n; i++)
        if (!PyUnicode_CheckExact(node_object(keys[i])))
            return false;
    return true;
}

int
layout_fill(struct region *r, PyObject *mapping, const node *parts,
            Py_ssize_t n)
{
    bool is_unicode = all_are_str(parts, n);
    struct _dictkeysobject *k = new_keys(r, n, is_unicode);

    if (!k)
        return -1;
    void *entries = k->dk_indices + ((size_t)1 << k->dk_log2_index_bytes);
    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *key = node_object(parts[i]);
        PyObject *value = node_object(parts[n + i]);
        Py_hash_t hash = PyObject_Hash(key);
        if (hash == -1)
            return -1;
        enter(k, hash, i);
        if (is_unicode)
            ((PyDictUnicodeEntry *)entries)[i] =
                (PyDictUnicodeEntry){key, value};
        else
            ((PyDictKeyEntry *)entries)[i] = (PyDictKeyEntry){hash, key, value};
    }
    PyDictObject *d = (PyDictObject *)layout_dict_of(mapping);
    d->ma_used = n;
    d->ma_keys = k;
    d->ma_values = NULL;
    return 0;
}

PyObject *
layout_dict_of(PyObject *obj)
{
    if (Py_IS_TYPE(obj, &PyDictProxy_Type))
        obj = ((proxy_object *)obj)->mapping;
#    if PY_VERSION_HEX >= 0x030f0000
    if (PyFrozenDict_CheckExact(obj))
        return obj;
#    endif
    return PyDict_CheckExact(obj) ? obj : NULL;
}

#else /* nothing but the check is ever called */

int
layout_check(void)
{
    PyErr_Format(PyExc_NotImplementedError,
                 "freeze() does not know how CPython %s lays out its objects",
                 Py_GetVersion());
    return -1;
}

bool
layout_is_immortal(PyObject *Py_UNUSED(obj))
{
    return false;
}

PyObject *
layout_dict_of(PyObject *Py_UNUSED(obj))
{
    return NULL;
}

#    define REFUSES(TYPE, DECLARATOR)                                          \
        TYPE DECLARATOR                                                        \
        {                                                                      \
            layout_check();                                                    \
            return (TYPE)0;                                                    \
        }
#    define OF(type) struct region *Py_UNUSED(r), type Py_UNUSED(src)
REFUSES(PyObject *, layout_str(OF(PyObject *)))
REFUSES(PyObject *, layout_bytes(OF(const char *), Py_ssize_t Py_UNUSED(n)))
REFUSES(PyObject *, layout_int(OF(PyObject *)))
REFUSES(PyObject *, layout_float(OF(PyObject *)))
REFUSES(PyObject *, layout_complex(OF(PyObject *)))
REFUSES(PyObject *, layout_tuple(OF(Py_ssize_t), node **Py_UNUSED(parts)))
REFUSES(PyObject *, layout_slice(OF(node **)))
REFUSES(PyObject *, layout_range(OF(node **)))
REFUSES(PyObject *const *,
        layout_parts(PyObject *Py_UNUSED(o), Py_ssize_t *Py_UNUSED(n)))
REFUSES(PyObject *, layout_mapping(struct region *Py_UNUSED(r)))
REFUSES(int, layout_fill(OF(PyObject *), const node *Py_UNUSED(parts),
                         Py_ssize_t Py_UNUSED(n)))
REFUSES(int, layout_complete(PyObject *Py_UNUSED(obj)))

#endif
