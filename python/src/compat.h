// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* compat.h: what differs between the supported Pythons, and every use of
 * CPython API that is not public; nothing of either kind is elsewhere. */
#ifndef CORE_COMPAT_H
#define CORE_COMPAT_H

#include <Python.h>

#include <stdbool.h>
#include <string.h>
#include <sys/mman.h>

#if PY_VERSION_HEX < 0x030d0000
#    error "intercsp needs CPython 3.13 or later"
#endif

/* Runs @p call in some thread of @p interp, soon, whoever holds its GIL.
 * Private; exported by 3.13, 3.14 and 3.15, no public replacement for other
 * interpreters than the main one. Returns 0 or, when the table is full, not. */
PyAPI_FUNC(int)
    _PyEval_AddPendingCall(PyInterpreterState *interp, int (*call)(void *),
                           void *arg, int flags);

static inline int
compat_add_pending_call(PyInterpreterState *interp, int (*call)(void *),
                        void *arg)
{
    return _PyEval_AddPendingCall(interp, call, arg, 0);
}

/* frozendict is new in 3.15. */
static inline bool
compat_is_frozendict(PyObject *obj)
{
#if PY_VERSION_HEX >= 0x030f0000
    return PyFrozenDict_CheckExact(obj);
#else
    (void)obj;
    return false;
#endif
}

/* A frozendict of what @p dict has; before 3.15 what comes nearest: a mapping
 * that cannot be changed. Returns: NULL with an exception. */
static inline PyObject *
compat_frozendict(PyObject *dict)
{
#if PY_VERSION_HEX >= 0x030f0000
    return PyFrozenDict_New(dict);
#else
    return PyDictProxy_New(dict);
#endif
}

/* Whether compat_frozendict() makes proxies. */
enum { COMPAT_HAS_PROXIES = PY_VERSION_HEX < 0x030f0000 };

/* ---- attaching to another interpreter ---- */

#if PY_VERSION_HEX >= 0x030f0000
typedef PyInterpreterView *compat_view; /* PEP 788 */
#else
typedef void *compat_view;
#endif

/* What compat_in_interpreter() needs, of the current interpreter. Returns: 0;
 * -1 with an exception. */
static inline int
compat_view_init(compat_view *view)
{
#if PY_VERSION_HEX >= 0x030f0000
    *view = PyInterpreterView_FromCurrent();
    return *view ? 0 : -1;
#else
    *view = NULL;
    return 0;
#endif
}

/* Needs no thread state. */
static inline void
compat_view_fini(compat_view *view)
{
#if PY_VERSION_HEX >= 0x030f0000
    if (*view)
        PyInterpreterView_Close(*view);
#endif
    *view = NULL;
}

/* Calls f(arg) with the GIL of an interpreter that does not end meanwhile, in
 * a thread that has no thread state; 3.15 looks itself whether it ends. */
static inline void
compat_in_interpreter(PyInterpreterState *interp, compat_view view,
                      void (*f)(void *), void *arg)
{
#if PY_VERSION_HEX >= 0x030f0000
    (void)interp;
    PyThreadStateToken *token = PyThreadState_EnsureFromView(view);
    if (token) {
        f(arg);
        PyThreadState_Release(token);
    }
#else
    (void)view;
    PyThreadState *ts = PyThreadState_New(interp);
    if (ts) {
        PyEval_RestoreThread(ts);
        f(arg);
        PyThreadState_Clear(ts);
        PyThreadState_DeleteCurrent();
    }
#endif
}

/* ---- spinning ---- */

/* Let the other thread of the core, or its power, have a moment. */
static inline void
compat_pause(void)
{
#if defined __x86_64__
    __builtin_ia32_pause();
#elif defined __aarch64__
    __asm__ volatile("yield");
#endif
}

/* ---- large memory ---- */

/* All of these @p n fresh bytes are about to be written: in huge pages that
 * takes a fraction of the time. Advice, which may be ignored. */
static inline void
compat_expect_use(char *data, size_t n)
{
#ifdef MADV_HUGEPAGE
    const size_t page = 4096, huge = (size_t)1 << 21;
    char *begin = data + (page - (uintptr_t)data % page) % page;

    if (n >= 2 * huge)
        madvise(begin, (n - (size_t)(begin - data)) & ~(page - 1),
                MADV_HUGEPAGE);
#else
    (void)data;
    (void)n;
#endif
}

/* ---- objects that change hands ---- */

/* Private; exported by 3.13, 3.14 and 3.15; no public replacement. NULL where
 * somebody has put an allocator of his own. */
PyAPI_FUNC(const char *) _PyMem_GetCurrentAllocatorName(void);

/* Where large objects come from now: COMPAT_MALLOC and COMPAT_PYMALLOC take
 * them from malloc, so any thread of any interpreter can free them; others may
 * keep books. pymalloc counts them. */
enum compat_allocator { COMPAT_OTHER, COMPAT_MALLOC, COMPAT_PYMALLOC };

static inline enum compat_allocator
compat_allocator(void)
{
    const char *name = _PyMem_GetCurrentAllocatorName();

    return !name                           ? COMPAT_OTHER
           : strcmp(name, "pymalloc") == 0 ? COMPAT_PYMALLOC
           : strcmp(name, "malloc") == 0   ? COMPAT_MALLOC
                                           : COMPAT_OTHER;
}

enum { COMPAT_BLOCK = 1024 }; /* of so many bytes pymalloc asks malloc */

/* Whether @p obj is a bytes or str that has one reference, and whose memory is
 * a block of malloc's that no interpreter needs. */
static inline bool
compat_is_block(PyObject *obj)
{
    if (Py_REFCNT(obj) != 1 || compat_allocator() == COMPAT_OTHER)
        return false;
    if (PyBytes_CheckExact(obj))
        return PyBytes_GET_SIZE(obj) >= COMPAT_BLOCK;
    return PyUnicode_CheckExact(obj) && PyUnicode_IS_COMPACT_ASCII(obj) &&
           PyUnicode_GET_LENGTH(obj) >= COMPAT_BLOCK &&
           !PyUnicode_CHECK_INTERNED(obj);
}

static inline void
compat_free_block(PyObject *obj)
{
    PyMem_RawFree(obj);
}

/* A block leaves, or enters, this interpreter by other ways than PyObject_Free
 * and PyObject_Malloc: its count of blocks is put right, or it would keep all
 * its memory at its end. */
static inline void
compat_disown_block(void)
{
    if (compat_allocator() == COMPAT_PYMALLOC)
        PyObject_Free(PyMem_RawMalloc(COMPAT_BLOCK));
}

static inline void
compat_own_block(void)
{
    if (compat_allocator() == COMPAT_PYMALLOC)
        PyMem_RawFree(PyObject_Malloc(COMPAT_BLOCK));
}

/* Whether @p args[0], an argument of a METH_FASTCALL function, is a temporary
 * of the caller: nothing else refers to it, nor will. A count of 1 alone does
 * not say that: from 3.14 on a local variable can have it, and everywhere an
 * element of a tuple that was unpacked into the arguments. */
static inline bool
compat_is_temporary(PyObject *const *args)
{
#if PY_VERSION_HEX >= 0x030e0000
    return PyUnstable_Object_IsUniqueReferencedTemporary(args[0]);
#else
    /* in 3.13 a variable has a reference of its own; so has the stack of the
     * caller, of which the arguments must be part */
    PyThreadState *ts = PyThreadState_Get();
    return Py_REFCNT(args[0]) == 1 && ts->datastack_chunk &&
           (PyObject **)ts->datastack_chunk->data <= args &&
           args < ts->datastack_top;
#endif
}

/* Private; exported by 3.13, 3.14 and 3.15; NULL with an exception. The public
 * way, from one interpreter to the next, takes no lock. */
PyAPI_FUNC(PyInterpreterState *) _PyInterpreterState_LookUpID(int64_t id);

/* Whether the interpreter with this number is there, even if it is ending.
 * Numbers are not used again. With a GIL; keeps an exception that is set. */
static inline bool
compat_interpreter_exists(int64_t id)
{
    PyObject *error = PyErr_GetRaisedException();
    bool exists = _PyInterpreterState_LookUpID(id) != NULL;

    PyErr_SetRaisedException(error);
    return exists;
}

/* The thread that runs Python's signal handlers; 0 if it cannot be told.
 * threading.main_thread() costs an import; _thread is built in. Private:
 * _thread._get_main_thread_ident is there in 3.13, 3.14 and 3.15. */
static inline unsigned long
compat_main_thread(void)
{
    PyObject *m = PyImport_ImportModule("_thread");
    PyObject *r =
        m ? PyObject_CallMethod(m, "_get_main_thread_ident", NULL) : NULL;
    unsigned long ident = r ? PyLong_AsUnsignedLong(r) : 0;

    Py_XDECREF(r);
    Py_XDECREF(m);
    PyErr_Clear();
    return ident;
}

/* ---- concurrent.interpreters ---- */

/* Private; exported by 3.14 and 3.15 (3.13 has another form of it, and no
 * module that would use it). The head of its struct is the data, and it is
 * filled by functions of its own. COMPAT_DEFINE_FOREIGN(to, from, done) defines
 * compat_register_foreign(cls): instances are sent as the void * that to(obj)
 * returns (NULL with an exception), of which from(data) makes objects, until
 * done(data). */
#if PY_VERSION_HEX >= 0x030e0000
struct compat_xidata {
    void *data;
    PyObject *obj;
    int64_t interpid;
    PyObject *(*new_object)(struct compat_xidata *);
    void (*free)(void *);
};

struct compat_xidata_getter {
    int (*basic)(PyThreadState *, PyObject *, struct compat_xidata *);
    void *fallback;
};

PyAPI_FUNC(void)
    _PyXIData_Init(struct compat_xidata *data, PyInterpreterState *interp,
                   void *shared, PyObject *obj,
                   PyObject *(*new_object)(struct compat_xidata *));
PyAPI_FUNC(int) _PyXIData_RegisterClass(PyThreadState *ts, PyTypeObject *cls,
                                        struct compat_xidata_getter get);

#    define COMPAT_DEFINE_FOREIGN(to, from, done)                              \
        static PyObject *compat_foreign_new(struct compat_xidata *x)           \
        {                                                                      \
            return from(x->data);                                              \
        }                                                                      \
        static int compat_foreign_get(PyThreadState *ts, PyObject *obj,        \
                                      struct compat_xidata *x)                 \
        {                                                                      \
            void *data = to(obj);                                              \
            if (!data)                                                         \
                return -1;                                                     \
            _PyXIData_Init(x, PyThreadState_GetInterpreter(ts), data, NULL,    \
                           compat_foreign_new);                                \
            x->free = done;                                                    \
            return 0;                                                          \
        }                                                                      \
        static int compat_register_foreign(PyTypeObject *cls)                  \
        {                                                                      \
            struct compat_xidata_getter get = {compat_foreign_get, NULL};      \
            return _PyXIData_RegisterClass(PyThreadState_Get(), cls, get);     \
        }
#else
#    define COMPAT_DEFINE_FOREIGN(to, from, done)                              \
        static int compat_register_foreign(PyTypeObject *Py_UNUSED(cls))       \
        {                                                                      \
            (void)to, (void)from, (void)done;                                  \
            return 0;                                                          \
        }
#endif

#endif
