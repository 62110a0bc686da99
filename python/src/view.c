// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* view.c: reading a frozen graph without opening it.
 *
 * A view has a handle, so the graph stays while it does; what it hands out is
 * views of tuples and mappings, and copies of everything else. No object of the
 * region is ever seen by Python code: not as a result, not by the __eq__ of a
 * key, which is why keys are of CPython's own types here. */
#include <csp/status.h>

#include "codec.h"
#include "frozen.h"
#include "layout.h"
#include "open.h"

typedef struct {
    PyObject_HEAD
    core_state *st;
    struct frozen *graph;
    PyObject *tuple, *dict;    /* borrowed from the region; one of the three */
    const struct shell *shell; /* of a tuple */
} view_object;

enum yields { KEYS, VALUES, ITEMS };

typedef struct {
    PyObject_HEAD
    view_object *view;
    Py_ssize_t next; /* an index, or PyDict_Next's position */
    enum yields yields;
} iterator_object;

/* ---- copies ---- */

/* A copy of an object in a region, with all it leads to. Nothing of the region
 * stays referred to. */
static PyObject *
copy_object(core_state *st, PyObject *obj)
{
    struct gifts gifts;
    csp_value v;

    if (codec_encode_as(st, obj, CODEC_COPY, &v, &gifts, NULL) < 0)
        return NULL;
    gifts_done(&gifts, true);
    return codec_decode_taken(st, v);
}

/* A copy of what @p n stands for. Recursion is as deep as frozensets and
 * records are nested. */
static PyObject *
copy_node(core_state *st, node n)
{
    const struct shell *s = node_shell(n);

    if (!s)
        return copy_object(st, node_object(n));
    if (Py_EnterRecursiveCall(" while a frozen graph is copied"))
        return NULL;
    PyObject *items = PyTuple_New(s->n);
    for (Py_ssize_t i = 0; items && i < s->n; i++) {
        PyObject *item = copy_node(st, s->items[i]);
        if (item)
            PyTuple_SET_ITEM(items, i, item);
        else
            Py_CLEAR(items);
    }
    Py_LeaveRecursiveCall();
    return items ? open_build(s->kind, items) : NULL;
}

/* ---- views ---- */

static PyObject *
new_view(core_state *st, struct frozen *graph, PyObject *obj,
         const struct shell *shell)
{
    view_object *self = PyObject_GC_New(view_object, st->view_type);

    if (!self)
        return NULL;
    csp_handle_ref(&graph->head);
    self->st = st;
    self->graph = graph;
    self->shell = shell;
    self->tuple = obj && PyTuple_CheckExact(obj) ? obj : NULL;
    self->dict = obj && !self->tuple ? layout_dict_of(obj) : NULL;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

PyObject *
view_of(core_state *st, struct frozen *graph, node n)
{
    const struct shell *s = node_shell(n);
    PyObject *obj = s ? NULL : node_object(n);

    if (s ? s->kind == SHELL_TUPLE
          : PyTuple_CheckExact(obj) || layout_dict_of(obj))
        return new_view(st, graph, obj, s);
    return copy_node(st, n);
}

static PyObject *
view_part(const view_object *self, node n)
{
    return view_of(self->st, self->graph, n);
}

/* It refers to nothing else; but the type must not be out of the collector's
 * sight: it leads to all that is built here. */
static int
view_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    return 0;
}

static void
view_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    csp_handle_unref(&((view_object *)op)->graph->head);
    type->tp_free(op);
    Py_DECREF(type);
}

static Py_ssize_t
view_len(PyObject *op)
{
    const view_object *self = (const view_object *)op;

    return self->dict    ? PyDict_GET_SIZE(self->dict)
           : self->tuple ? PyTuple_GET_SIZE(self->tuple)
                         : self->shell->n;
}

/* ---- of tuples ---- */

static node
item_of(const view_object *self, Py_ssize_t i)
{
    return self->tuple ? node_of(PyTuple_GET_ITEM(self->tuple, i))
                       : self->shell->items[i];
}

static PyObject *
get_slice(view_object *self, PyObject *slice)
{
    Py_ssize_t start, stop, step;

    if (PySlice_Unpack(slice, &start, &stop, &step) < 0)
        return NULL;
    Py_ssize_t n =
        PySlice_AdjustIndices(view_len((PyObject *)self), &start, &stop, step);
    PyObject *tuple = PyTuple_New(n);
    for (Py_ssize_t i = 0; tuple && i < n; i++) {
        PyObject *item = view_part(self, item_of(self, start + i * step));
        if (item)
            PyTuple_SET_ITEM(tuple, i, item);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *
get_item(view_object *self, PyObject *key)
{
    if (PySlice_Check(key))
        return get_slice(self, key);
    Py_ssize_t i = PyNumber_AsSsize_t(key, PyExc_IndexError);
    Py_ssize_t n = view_len((PyObject *)self);
    if (i == -1 && PyErr_Occurred())
        return NULL;
    if (i < 0)
        i += n;
    if (i < 0 || i >= n) {
        PyErr_SetString(PyExc_IndexError, "index out of range");
        return NULL;
    }
    return view_part(self, item_of(self, i));
}

/* ---- of mappings ---- */

/* Whether comparing @p key runs no code but CPython's. */
static bool
is_plain(PyObject *key)
{
    PyTypeObject *type = Py_TYPE(key);

    if (type != &PyTuple_Type)
        return type == &PyUnicode_Type || type == &PyLong_Type ||
               type == &PyBytes_Type || type == &PyFloat_Type ||
               type == &PyComplex_Type || key == Py_None || PyBool_Check(key);
    if (Py_EnterRecursiveCall(" while a key is looked at"))
        return false;
    bool plain = true;
    for (Py_ssize_t i = 0; plain && i < PyTuple_GET_SIZE(key); i++)
        plain = is_plain(PyTuple_GET_ITEM(key, i));
    Py_LeaveRecursiveCall();
    return plain;
}

/* The value for @p key: borrowed, in the region; NULL, with an exception if it
 * is not just missing. */
static PyObject *
look_up(const view_object *self, PyObject *key)
{
    if (is_plain(key))
        return PyDict_GetItemWithError(self->dict, key);
    if (!PyErr_Occurred())
        PyErr_Format(PyExc_TypeError,
                     "a key of a view must be a str, bytes, number, None, or a "
                     "tuple of these, not '%.200s'",
                     Py_TYPE(key)->tp_name);
    return NULL;
}

static PyObject *
view_subscript(PyObject *op, PyObject *key)
{
    view_object *self = (view_object *)op;

    if (!self->dict)
        return get_item(self, key);
    PyObject *value = look_up(self, key);
    if (value)
        return view_part(self, node_of(value));
    if (!PyErr_Occurred())
        PyErr_SetObject(PyExc_KeyError, key);
    return NULL;
}

static int
view_contains(PyObject *op, PyObject *key)
{
    view_object *self = (view_object *)op;
    int found = 0;

    if (self->dict)
        return look_up(self, key) ? 1 : PyErr_Occurred() ? -1 : 0;
    for (Py_ssize_t i = 0; found == 0 && i < view_len(op); i++) {
        PyObject *item = view_part(self, item_of(self, i));
        found = item ? PyObject_RichCompareBool(item, key, Py_EQ) : -1;
        Py_XDECREF(item);
    }
    return found;
}

PyDoc_STRVAR(get_doc, "get($self, key, default=None, /)\n--\n\n"
                      "The value for key, or default. Of mappings only.");

static PyObject *
view_get(PyObject *op, PyObject *const *args, Py_ssize_t n)
{
    view_object *self = (view_object *)op;

    if (!self->dict || n < 1 || n > 2) {
        PyErr_SetString(PyExc_TypeError,
                        self->dict ? "get() takes 1 or 2 arguments"
                                   : "the view of a tuple has no get()");
        return NULL;
    }
    PyObject *value = look_up(self, args[0]);
    if (value)
        return view_part(self, node_of(value));
    return PyErr_Occurred() ? NULL : Py_NewRef(n > 1 ? args[1] : Py_None);
}

PyDoc_STRVAR(copy_doc, "copy($self, /)\n--\n\n"
                       "A copy of all that it shows, in objects of its own.");

static PyObject *
view_copy(PyObject *op, PyObject *Py_UNUSED(unused))
{
    view_object *self = (view_object *)op;

    return copy_node(self->st, self->shell   ? node_of_shell(self->shell)
                               : self->tuple ? node_of(self->tuple)
                                             : node_of(self->dict));
}

static PyObject *
view_repr(PyObject *op)
{
    const view_object *self = (const view_object *)op;

    return PyUnicode_FromFormat("<intercsp.FrozenView of a %s, %zd %s>",
                                self->dict ? "mapping" : "tuple", view_len(op),
                                self->dict ? "keys" : "elements");
}

/* ---- iteration ---- */

static PyObject *
new_iterator(PyObject *view, enum yields yields)
{
    view_object *of = (view_object *)view;

    if (!of->dict && yields != VALUES) {
        PyErr_SetString(PyExc_TypeError, "the view of a tuple has no keys");
        return NULL;
    }
    iterator_object *self =
        PyObject_GC_New(iterator_object, of->st->view_iterator_type);
    if (!self)
        return NULL;
    self->view = (view_object *)Py_NewRef(view);
    self->next = 0;
    self->yields = yields;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int
iterator_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((iterator_object *)op)->view);
    return 0;
}

static void
iterator_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    Py_DECREF(((iterator_object *)op)->view);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
next_of_mapping(iterator_object *self)
{
    const view_object *view = self->view;
    PyObject *key, *value;

    if (!PyDict_Next(view->dict, &self->next, &key, &value))
        return NULL;
    if (self->yields != ITEMS)
        return view_part(view, node_of(self->yields == KEYS ? key : value));
    PyObject *k = view_part(view, node_of(key));
    PyObject *v = k ? view_part(view, node_of(value)) : NULL;
    PyObject *pair = v ? PyTuple_Pack(2, k, v) : NULL;
    Py_XDECREF(k);
    Py_XDECREF(v);
    return pair;
}

static PyObject *
iterator_next(PyObject *op)
{
    iterator_object *self = (iterator_object *)op;

    if (self->view->dict)
        return next_of_mapping(self);
    if (self->next >= view_len((PyObject *)self->view))
        return NULL;
    return view_part(self->view, item_of(self->view, self->next++));
}

static PyObject *
view_iter(PyObject *op)
{
    return new_iterator(op, ((view_object *)op)->dict ? KEYS : VALUES);
}

static PyObject *
view_keys(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return new_iterator(op, KEYS);
}

static PyObject *
view_values(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return new_iterator(op, VALUES);
}

static PyObject *
view_items(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return new_iterator(op, ITEMS);
}

/* ---- types ---- */

static PyMethodDef view_methods[] = {
    {"get", (PyCFunction)(void (*)(void))view_get, METH_FASTCALL, get_doc},
    {"keys", view_keys, METH_NOARGS,
     "keys($self, /)\n--\n\nAn iterator over the keys of a mapping."},
    {"values", view_values, METH_NOARGS,
     "values($self, /)\n--\n\nAn iterator over the values, or elements."},
    {"items", view_items, METH_NOARGS,
     "items($self, /)\n--\n\nAn iterator over the (key, value) of a mapping."},
    {"copy", view_copy, METH_NOARGS, copy_doc},
    {0}};

PyDoc_STRVAR(view_doc,
             "What a tuple or mapping of a frozen graph has, one by one.\n\n"
             "Elements are views, if they are tuples or mappings, and copies "
             "otherwise. So the\ngraph is not opened, and goes with its last "
             "handle or view. Slower than what\nFrozen.root gives.");

static PyType_Slot view_slots[] = {
    {Py_tp_dealloc, view_dealloc},   {Py_tp_traverse, view_traverse},
    {Py_tp_repr, view_repr},         {Py_tp_iter, view_iter},
    {Py_tp_methods, view_methods},   {Py_tp_doc, (void *)view_doc},
    {Py_mp_length, view_len},        {Py_mp_subscript, view_subscript},
    {Py_sq_contains, view_contains}, {0, NULL}};

enum {
    FLAGS = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_IMMUTABLETYPE |
            Py_TPFLAGS_DISALLOW_INSTANTIATION
};

static PyType_Spec view_spec = {"intercsp.FrozenView", sizeof(view_object), 0,
                                FLAGS, view_slots};

static PyType_Slot iterator_slots[] = {{Py_tp_dealloc, iterator_dealloc},
                                       {Py_tp_traverse, iterator_traverse},
                                       {Py_tp_iter, PyObject_SelfIter},
                                       {Py_tp_iternext, iterator_next},
                                       {0, NULL}};

static PyType_Spec iterator_spec = {"intercsp.FrozenViewIterator",
                                    sizeof(iterator_object), 0, FLAGS,
                                    iterator_slots};

int
view_exec(PyObject *module, core_state *st)
{
    st->view_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &view_spec, NULL);
    st->view_iterator_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &iterator_spec, NULL);
    if (!st->view_type || !st->view_iterator_type)
        return -1;
    return PyModule_AddType(module, st->view_type);
}
