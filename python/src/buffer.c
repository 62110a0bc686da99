// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* buffer.c: csp.Buffer: memory that belongs to the runtime, not to an
 * interpreter, so that it can be handed over.
 *
 * Invariants:
 *   M1  A Buffer that was moved has no value and no data; while it is being
 *       moved nobody can begin to use it, and nobody is using it. */
#include "buffer.h"

#include <stdlib.h>
#include <sys/mman.h>

#include <csp/status.h>

/* From here on memory comes in huge pages, where the system has them. */
enum { HUGE_BYTES = 2 * 1024 * 1024 };

typedef struct {
    PyObject_HEAD
    core_state *st;
    csp_value value; /* NONE: moved */
    char *data;
    Py_ssize_t size;
    Py_ssize_t exports;
    bool readonly, giving, is_of_view;
} buffer_object;

/* ---- memory ---- */

struct pages {
    void *at;
    size_t size;
};

static void
pages_free(void *p)
{
    struct pages *pages = p;

    munmap(pages->at, pages->size);
    free(pages);
}

static int
pages_new(size_t size, csp_value *out)
{
    struct pages *pages = malloc(sizeof *pages);

    if (!pages)
        return CSP_ENOMEM;
    pages->size = size;
    pages->at = mmap(NULL, size, PROT_READ | PROT_WRITE,
                     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages->at == MAP_FAILED) {
        free(pages);
        return CSP_ENOMEM;
    }
#ifdef MADV_HUGEPAGE
    madvise(pages->at, size, MADV_HUGEPAGE);
#endif
    int rc = csp_value_buffer(pages->at, size, CSP_VALUE_WRITABLE, pages_free,
                              pages, out);
    if (rc < 0)
        pages_free(pages);
    return rc;
}

/* Zeroed memory. */
static int
memory_new(size_t size, csp_value *out)
{
    if (size >= HUGE_BYTES)
        return pages_new(size, out);
    void *data = calloc(size ? size : 1, 1);
    int rc =
        data ? csp_value_buffer(data, size, CSP_VALUE_WRITABLE, free, data, out)
             : CSP_ENOMEM;
    if (rc < 0)
        free(data);
    return rc;
}

/* ---- the object ---- */

/* The reference to @p v passes in any case. */
static PyObject *
new_object(core_state *st, csp_value v)
{
    buffer_object *self =
        (buffer_object *)st->buffer_type->tp_alloc(st->buffer_type, 0);
    size_t size;

    if (!self) {
        csp_value_unref(&v);
        return NULL;
    }
    self->st = st;
    self->value = v;
    self->data = csp_value_writable(v, &size);
    self->readonly = !self->data;
    if (self->readonly)
        self->data = (char *)(uintptr_t)csp_value_data(&self->value, &size);
    self->size = (Py_ssize_t)size;
    return (PyObject *)self;
}

static PyObject *
buffer_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"size", NULL};
    core_state *st = PyType_GetModuleState(type);
    Py_ssize_t size;
    csp_value v;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "n:Buffer", keywords, &size))
        return NULL;
    if (size < 0) {
        PyErr_SetString(PyExc_ValueError, "size must not be negative");
        return NULL;
    }
    if (memory_new((size_t)size, &v) < 0)
        return PyErr_NoMemory();
    return new_object(st, v);
}

static void
buffer_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    csp_value_unref(&((buffer_object *)op)->value);
    type->tp_free(op);
    Py_DECREF(type);
}

PyObject *
buffer_from_value(core_state *st, csp_value v)
{
    return new_object(st, csp_value_ref(v));
}

PyObject *
buffer_of_view(core_state *st, csp_value v)
{
    PyObject *self = buffer_from_value(st, v);

    if (self)
        ((buffer_object *)self)->is_of_view = true;
    return self;
}

static void
drop_whole(void *arg)
{
    csp_value_unref(arg);
    free(arg);
}

int
buffer_send_on(core_state *st, const Py_buffer *view, csp_value *out)
{
    PyObject *exporter = view->obj;

    if (exporter && PyMemoryView_Check(exporter))
        exporter = PyMemoryView_GET_BASE(exporter);
    buffer_object *self = (buffer_object *)exporter;
    if (!exporter || !Py_IS_TYPE(exporter, st->buffer_type) ||
        !self->is_of_view)
        return 0;
    csp_value *whole = malloc(sizeof *whole);
    if (whole)
        *whole = csp_value_ref(self->value);
    if (!whole || csp_value_buffer(view->buf, (size_t)view->len,
                                   view->readonly ? 0 : CSP_VALUE_WRITABLE,
                                   drop_whole, whole, out) < 0) {
        if (whole)
            drop_whole(whole);
        PyErr_NoMemory();
        return -1;
    }
    return 1;
}

/* ---- moving ---- */

static int
fail_moved(const buffer_object *self)
{
    PyErr_SetString(errors_class(self->st, ERROR_MOVED),
                    self->giving ? "this Buffer is being moved"
                                 : "this Buffer was moved");
    return -1;
}

static void
given(PyObject *op, bool sent)
{
    buffer_object *self = (buffer_object *)op;

    self->giving = false;
    if (!sent)
        return;
    csp_value_unref(&self->value);
    self->data = NULL;
    self->size = 0;
}

int
buffer_give(PyObject *op, csp_value *out, struct gifts *gifts)
{
    buffer_object *self = (buffer_object *)op;

    if (!self->data || self->giving)
        return fail_moved(self);
    if (self->exports) {
        PyErr_SetString(PyExc_BufferError,
                        "a Buffer of which there are memoryviews cannot be "
                        "moved: release them first");
        return -1;
    }
    if (gifts_add(gifts, op, given) < 0)
        return -1;
    self->giving = true;
    *out = csp_value_ref(self->value);
    return 0;
}

/* ---- using it ---- */

static int
get_buffer(PyObject *op, Py_buffer *view, int flags)
{
    buffer_object *self = (buffer_object *)op;

    view->obj = NULL;
    if (!self->data || self->giving)
        return fail_moved(self);
    int rc = PyBuffer_FillInfo(view, op, self->data, self->size, self->readonly,
                               flags);
    self->exports += rc == 0;
    return rc;
}

static void
release_buffer(PyObject *op, Py_buffer *Py_UNUSED(view))
{
    ((buffer_object *)op)->exports--;
}

static Py_ssize_t
buffer_len(PyObject *op)
{
    buffer_object *self = (buffer_object *)op;

    return self->data ? self->size : fail_moved(self);
}

static PyObject *
buffer_subscript(PyObject *op, PyObject *key)
{
    PyObject *view = PyMemoryView_FromObject(op);
    PyObject *item = view ? PyObject_GetItem(view, key) : NULL;

    Py_XDECREF(view);
    return item;
}

static int
buffer_ass_subscript(PyObject *op, PyObject *key, PyObject *value)
{
    PyObject *view = PyMemoryView_FromObject(op);
    int rc = !view   ? -1
             : value ? PyObject_SetItem(view, key, value)
                     : PyObject_DelItem(view, key);

    Py_XDECREF(view);
    return rc;
}

static PyObject *
buffer_repr(PyObject *op)
{
    buffer_object *self = (buffer_object *)op;

    return self->data ? PyUnicode_FromFormat("<intercsp.Buffer of %zd bytes>",
                                             self->size)
                      : PyUnicode_FromString("<intercsp.Buffer, moved>");
}

PyDoc_STRVAR(
    buffer_doc,
    "Buffer(size)\n--\n\n"
    "Zeroed memory of size bytes that can be handed over whole.\n\n"
    "tx.send(csp.move(buffer)) takes no longer for a large one than for a "
    "small one: the\nreceiver gets a Buffer of the same memory, and this one "
    "raises Moved from then on.\nHas the buffer protocol (memoryview(b), "
    "file.readinto(b)); b[i], b[i:j] and\nassignments to them are those of a "
    "memoryview. While there are memoryviews of it,\nslices included, it "
    "cannot be moved.");

static PyType_Slot buffer_slots[] = {
    {Py_tp_new, buffer_new},
    {Py_tp_dealloc, buffer_dealloc},
    {Py_tp_repr, buffer_repr},
    {Py_tp_doc, (void *)buffer_doc},
    {Py_bf_getbuffer, get_buffer},
    {Py_bf_releasebuffer, release_buffer},
    {Py_mp_length, buffer_len},
    {Py_mp_subscript, buffer_subscript},
    {Py_mp_ass_subscript, buffer_ass_subscript},
    {0, NULL}};

static PyType_Spec buffer_spec = {"intercsp.Buffer", sizeof(buffer_object), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE,
                                  buffer_slots};

int
buffer_exec(PyObject *module, core_state *st)
{
    st->buffer_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &buffer_spec, NULL);
    return st->buffer_type ? PyModule_AddType(module, st->buffer_type) : -1;
}
