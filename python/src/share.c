// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* share.c: csp.share(): memory that others see where it is.
 *
 * A Share holds the buffer of an object, and is what gets pinned (lend.c) when
 * it is sent: the object cannot change its size or go while anybody reads. */
#include "buffer.h"
#include "codec.h"

static bool
is_format(const char *format)
{
    if (*format == '@')
        format++;
    return *format && !format[1] && strchr("cbB?hHiIlLqQnNefdP", *format);
}

/* Whether a memoryview can be cast to what @p view is like. */
static bool
can_be_cast(const Py_buffer *view)
{
    if (view->ndim < 1 || (view->format && !is_format(view->format)))
        return false;
    for (int i = 0; view->ndim > 1 && i < view->ndim; i++)
        if (view->shape[i] == 0)
            return false;
    return true;
}

PyObject *
share_new(core_state *st, PyObject *obj, bool writable)
{
    share_object *self =
        (share_object *)st->share_type->tp_alloc(st->share_type, 0);
    int flags = PyBUF_C_CONTIGUOUS | PyBUF_FORMAT;

    if (!self)
        return NULL;
    if (PyObject_GetBuffer(obj, &self->view,
                           writable ? flags | PyBUF_WRITABLE : flags) < 0) {
        self->view.obj = NULL;
        Py_DECREF(self);
        return NULL;
    }
    self->view.readonly = !writable;
    if (can_be_cast(&self->view))
        return (PyObject *)self;
    PyErr_Format(PyExc_BufferError,
                 "a buffer of format '%s' and %d dimensions cannot be shared",
                 self->view.format, self->view.ndim);
    Py_DECREF(self);
    return NULL;
}

static void
share_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    PyBuffer_Release(&((share_object *)op)->view);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
share_repr(PyObject *op)
{
    Py_buffer *view = &((share_object *)op)->view;

    return PyUnicode_FromFormat("<intercsp.Share of %zd bytes%s>", view->len,
                                view->readonly ? "" : ", writable");
}

PyObject *
share_view(core_state *st, PyObject *parts)
{
    PyObject *buffer = PyTuple_GET_ITEM(parts, 0);
    PyObject *format = PyTuple_GET_ITEM(parts, 1);

    if (Py_TYPE(buffer) != st->buffer_type || !PyUnicode_CheckExact(format)) {
        PyErr_SetString(PyExc_ValueError, "malformed tree value");
        return NULL;
    }
    PyObject *view = PyMemoryView_FromObject(buffer);
    Py_ssize_t n = PyTuple_GET_SIZE(parts);
    if (!view || (n == 2 && PyUnicode_EqualToUTF8(format, "B")))
        return view;
    PyObject *shape = n > 2 ? PyTuple_GetSlice(parts, 2, n) : NULL;
    PyObject *cast = NULL;
    if (n == 2 || shape)
        cast = PyObject_CallMethod(view, "cast", shape ? "OO" : "O", format,
                                   shape);
    Py_XDECREF(shape);
    Py_DECREF(view);
    return cast;
}

PyDoc_STRVAR(
    share_doc,
    "share($module, obj, /, writable=False)\n--\n\n"
    "What to send in place of obj to have its memory seen, not copied.\n\n"
    "obj is anything with the buffer protocol, in one piece: bytearray, "
    "array.array,\nmmap, a memoryview... The receiver gets a memoryview of the "
    "same memory, with its\nformat and shape; obj is kept until the last one "
    "has gone. What the sender writes\nlater is seen there at some time.\n\n"
    "What a process has shared can be read after its end; until nobody does, "
    "what is left\nof its interpreter (2.5 MiB) stays. If that is not one of "
    "spawn(), or the program\nends, it is never released.\n\n"
    "writable=True is the unsafe mode: the receiver can write to the memory, "
    "too. No lock\nguards it: agree by messages who may touch what, or "
    "expect values that nobody\nwrote.");

static PyObject *
share(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"", "writable", NULL};
    PyObject *obj;
    int writable = 0;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|p:share", keywords, &obj,
                                     &writable))
        return NULL;
    return share_new(core_state_of(module), obj, writable);
}

PyDoc_STRVAR(
    is_shareable_doc,
    "is_shareable($module, obj, /)\n--\n\n"
    "Whether obj can be sent now. As sending it would, but for the "
    "channel: what has\nno form of its own is pickled to see; nothing is "
    "given away.");

static PyObject *
is_shareable(PyObject *module, PyObject *obj)
{
    core_state *st = core_state_of(module);
    struct gifts gifts;
    csp_value v;

    if (codec_encode(st, obj, &v, &gifts) == 0) {
        gifts_done(&gifts, false);
        csp_value_unref(&v);
        Py_RETURN_TRUE;
    }
    if (!PyErr_ExceptionMatches(errors_class(st, ERROR_NOT_SHAREABLE)) &&
        !PyErr_ExceptionMatches(errors_class(st, ERROR_MOVED)) &&
        !PyErr_ExceptionMatches(errors_class(st, ERROR_END_CLOSED)) &&
        !PyErr_ExceptionMatches(PyExc_BufferError))
        return NULL;
    PyErr_Clear();
    Py_RETURN_FALSE;
}

PyMethodDef share_functions[] = {
    {"is_shareable", is_shareable, METH_O, is_shareable_doc},
    {"share", (PyCFunction)(void (*)(void))share, METH_VARARGS | METH_KEYWORDS,
     share_doc},
    {0}};

static PyType_Slot share_slots[] = {
    {Py_tp_dealloc, share_dealloc}, {Py_tp_repr, share_repr}, {0, NULL}};

static PyType_Spec share_spec = {"intercsp.Share", sizeof(share_object), 0,
                                 Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE |
                                     Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                 share_slots};

int
share_exec(PyObject *module, core_state *st)
{
    st->share_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &share_spec, NULL);
    return st->share_type ? 0 : -1;
}
