// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* frozen.c: csp.freeze() and what it returns.
 *
 * A Frozen has a counted handle, which travels as such; the handle has a
 * reference to the region. A Frozen is equal to one of the same object. */
#include "frozen.h"

#include <stddef.h>
#include <stdio.h>

#include <csp/status.h>

#include "errors.h"
#include "freeze.h"
#include "layout.h"
#include "open.h"
#include "structure.h"

enum { LARGE_LENGTH = 1024 };

typedef struct {
    PyObject_HEAD
    core_state *st;
    struct frozen *graph;
    PyObject *root; /* NULL: it was not asked for */
} frozen_object;

/* ---- handles ---- */

static void
release(csp_handle *h)
{
    struct frozen *f = (struct frozen *)(void *)h;

    region_unref(f->region);
    PyMem_RawFree(f);
}

static int
describe(const csp_handle *h, char *buffer, size_t size)
{
    const struct region *r = ((const struct frozen *)(const void *)h)->region;

    return snprintf(buffer, size, "%zu nodes, %zu bytes", r->nodes,
                    region_bytes(r));
}

static const csp_handle_type handle_type = {.size = sizeof handle_type,
                                            .name = "frozen graph",
                                            .release = release,
                                            .describe = describe};

/* The reference to @p region passes in any case. */
static struct frozen *
new_handle(struct region *region, node root, bool is_part)
{
    struct frozen *f = PyMem_RawMalloc(sizeof *f);

    if (!f) {
        region_unref(region);
        PyErr_NoMemory();
        return NULL;
    }
    csp_handle_init(&f->head, &handle_type);
    f->region = region;
    f->root = root;
    f->is_part = is_part;
    return f;
}

csp_handle *
frozen_handle(PyObject *obj)
{
    return csp_handle_ref(&((frozen_object *)obj)->graph->head);
}

/* The reference to @p graph passes in any case. */
static PyObject *
new_frozen(core_state *st, struct frozen *graph)
{
    frozen_object *self = PyObject_GC_New(frozen_object, st->frozen_type);

    if (!self) {
        csp_handle_unref(&graph->head);
        return NULL;
    }
    self->st = st;
    self->graph = graph;
    self->root = NULL;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

PyObject *
frozen_from_handle(core_state *st, csp_handle *h)
{
    if (h->type != &handle_type)
        return NULL;
    csp_handle_ref(h);
    struct frozen *f = (struct frozen *)(void *)h;
    if (!f->is_part)
        return new_frozen(st, f);
    PyObject *part = open_node(st, f->region, f->root);
    csp_handle_unref(h);
    return part;
}

/* The region that @p obj is in; NULL: in none that is open here. */
static struct region *
region_of(core_state *st, PyObject *obj)
{
    return st->opened && layout_is_immortal(obj) ? open_find(st, obj) : NULL;
}

/* Less is better copied: who receives a part has the whole graph open. */
static bool
is_large(PyObject *obj)
{
    if (PyUnicode_CheckExact(obj))
        return PyUnicode_GET_LENGTH(obj) >= LARGE_LENGTH;
    if (PyBytes_CheckExact(obj))
        return PyBytes_GET_SIZE(obj) >= LARGE_LENGTH;
    return !PyLong_CheckExact(obj) && !PyFloat_CheckExact(obj) &&
           !PyComplex_CheckExact(obj);
}

int
frozen_give_part(core_state *st, PyObject *obj, csp_handle **out)
{
    struct region *r = is_large(obj) ? region_of(st, obj) : NULL;

    if (!r)
        return 0;
    region_ref(r);
    struct frozen *f = new_handle(r, node_of(obj), true);
    if (!f)
        return -1;
    *out = &f->head;
    return 1;
}

/* ---- the object ---- */

/* A class can have it, of whose records there are some in the graph: no part
 * of that cycle may be out of the collector's sight, nor the type. */
static int
frozen_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((frozen_object *)op)->root);
    return 0;
}

static int
frozen_clear(PyObject *op)
{
    Py_CLEAR(((frozen_object *)op)->root);
    return 0;
}

static void
frozen_dealloc(PyObject *op)
{
    frozen_object *self = (frozen_object *)op;
    PyTypeObject *type = Py_TYPE(op);
    bool is_last = csp_handle_is_unique(&self->graph->head);

    PyObject_GC_UnTrack(op);
    Py_XDECREF(self->root);
    csp_handle_unref(&self->graph->head);
    if (is_last)
        region_sweep();
    type->tp_free(op);
    Py_DECREF(type);
}

PyDoc_STRVAR(root_doc,
             "The object at the top, which opens the graph here.\n\n"
             "The same objects are seen by every interpreter that opens it. "
             "This one holds the\ngraph from then on until it ends; see view.");

static PyObject *
frozen_root(PyObject *op, void *Py_UNUSED(closure))
{
    frozen_object *self = (frozen_object *)op;

    if (self->root)
        return Py_NewRef(self->root);
    PyObject *root =
        open_node(self->st, self->graph->region, self->graph->root);
    Py_XSETREF(self->root, Py_XNewRef(root)); /* a record has asked, too */
    return root;
}

PyDoc_STRVAR(view_doc, "A FrozenView of the object at the top, which does not "
                       "open the graph;\na copy of it, if it is neither a "
                       "tuple nor a mapping.");

static PyObject *
frozen_view(PyObject *op, void *Py_UNUSED(closure))
{
    frozen_object *self = (frozen_object *)op;

    return view_of(self->st, self->graph, self->graph->root);
}

static PyObject *
frozen_nbytes(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(
        region_bytes(((frozen_object *)op)->graph->region));
}

static PyObject *
frozen_nodes(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(((frozen_object *)op)->graph->region->nodes);
}

static PyObject *
frozen_local_nodes(PyObject *op, void *Py_UNUSED(closure))
{
    return PyLong_FromSize_t(((frozen_object *)op)->graph->region->n_shells);
}

/* Of a shell: without building it. */
static Py_ssize_t
frozen_len(PyObject *op)
{
    node root = ((frozen_object *)op)->graph->root;
    const struct shell *s = node_shell(root);

    if (!s)
        return PyObject_Length(node_object(root));
    if (s->kind == SHELL_SLICE || s->kind == SHELL_RECORD) {
        PyErr_SetString(PyExc_TypeError, "the object at the top has no len()");
        return -1;
    }
    return s->kind == SHELL_MAPPING ? s->n / 2 : s->n;
}

static int
frozen_bool(PyObject *Py_UNUSED(op))
{
    return 1;
}

static PyObject *
frozen_repr(PyObject *op)
{
    const struct frozen *f = ((frozen_object *)op)->graph;
    static const char *const names[] = {"tuple", "mapping", "frozenset",
                                        "slice", "record"};
    const struct shell *s = node_shell(f->root);

    return PyUnicode_FromFormat("<intercsp.Frozen %s, %zu nodes, %zu bytes>",
                                s ? names[s->kind]
                                  : Py_TYPE(node_object(f->root))->tp_name,
                                f->region->nodes, region_bytes(f->region));
}

static PyObject *
frozen_richcompare(PyObject *a, PyObject *b, int op)
{
    const struct frozen *f, *g;

    if (Py_TYPE(a) != Py_TYPE(b) || (op != Py_EQ && op != Py_NE))
        Py_RETURN_NOTIMPLEMENTED;
    f = ((frozen_object *)a)->graph;
    g = ((frozen_object *)b)->graph;
    bool same = f->region == g->region && f->root == g->root;
    return PyBool_FromLong(same == (op == Py_EQ));
}

static Py_hash_t
frozen_hash(PyObject *op)
{
    const struct frozen *f = ((frozen_object *)op)->graph;

    return Py_HashPointer((void *)f->root);
}

/* What cannot change is its own copy. */
static PyObject *
frozen_copy(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return Py_NewRef(op);
}

static PyObject *
frozen_new(PyTypeObject *type, PyObject *Py_UNUSED(args),
           PyObject *Py_UNUSED(kwargs))
{
    return PyErr_Format(PyExc_TypeError,
                        "'%.200s' objects come from intercsp.freeze()",
                        type->tp_name);
}

static PyGetSetDef frozen_getset[] = {
    {"root", frozen_root, NULL, root_doc, NULL},
    {"view", frozen_view, NULL, view_doc, NULL},
    {"nbytes", frozen_nbytes, NULL, "The memory that the graph takes.", NULL},
    {"nodes", frozen_nodes, NULL, "How many objects it has.", NULL},
    {"local_nodes", frozen_local_nodes, NULL,
     "How many of them each interpreter builds for itself: frozensets, "
     "records,\nand what has any of them in it.",
     NULL},
    {0}};

static PyMethodDef frozen_methods[] = {
    {"__copy__", frozen_copy, METH_NOARGS, "It cannot change: itself."},
    {"__deepcopy__", frozen_copy, METH_O, "It cannot change: itself."},
    {0}};

PyDoc_STRVAR(frozen_doc,
             "A graph of objects that nobody can change, made by freeze().\n\n"
             "It is sent in no time, whatever its size, and lives as long as "
             "somebody has it:\na Frozen, a channel, or an interpreter that "
             "has opened it. Frozens are equal if\nthey stand for the same "
             "object.");

static PyType_Slot frozen_slots[] = {{Py_tp_new, frozen_new},
                                     {Py_tp_dealloc, frozen_dealloc},
                                     {Py_tp_traverse, frozen_traverse},
                                     {Py_tp_clear, frozen_clear},
                                     {Py_tp_repr, frozen_repr},
                                     {Py_tp_hash, frozen_hash},
                                     {Py_tp_richcompare, frozen_richcompare},
                                     {Py_tp_getset, frozen_getset},
                                     {Py_tp_methods, frozen_methods},
                                     {Py_tp_doc, (void *)frozen_doc},
                                     {Py_sq_length, frozen_len},
                                     {Py_nb_bool, frozen_bool},
                                     {0, NULL}};

static PyType_Spec frozen_spec = {"intercsp.Frozen", sizeof(frozen_object), 0,
                                  Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                                      Py_TPFLAGS_IMMUTABLETYPE,
                                  frozen_slots};

/* ---- functions ---- */

/* freeze() of what is frozen: no copy. Returns: a handle; NULL with an
 * exception, or without: it is not frozen. */
static struct frozen *
known(core_state *st, PyObject *obj)
{
    if (Py_TYPE(obj) == st->frozen_type)
        return (struct frozen *)(void *)frozen_handle(obj);
    struct region *r = region_of(st, obj);
    if (!r)
        return NULL;
    region_ref(r);
    return new_handle(r, node_of(obj), false);
}

PyDoc_STRVAR(
    freeze_doc,
    "freeze($module, obj, /, *, protect=None)\n--\n\n"
    "A copy of obj and all it leads to that cannot change: a Frozen.\n\n"
    "Frozen.root has tuples for lists, bytes for bytearrays, frozensets for "
    "sets, and\nfor dicts a frozendict, or a mappingproxy before Python 3.15; "
    "named tuples and\nfrozen dataclasses stay what they are. Other "
    "interpreters use the same objects.\nIt takes some 40 ns per object, with "
    "the GIL. With protect, C code that writes to\nthe objects crashes instead "
    "of changing them for everybody; None: in the\ndevelopment mode of "
    "Python. Raises NotShareable, with the path to what cannot be\nfrozen, "
    "and NotImplementedError on a Python that it does not know.");

static PyObject *
freeze(PyObject *module, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"", "protect", NULL};
    core_state *st = core_state_of(module);
    PyObject *obj, *protect = Py_None;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O|$O:freeze", keywords,
                                     &obj, &protect))
        return NULL;
    int protects =
        protect == Py_None ? st->is_dev_mode : PyObject_IsTrue(protect);
    if (protects < 0)
        return NULL;
    struct frozen *graph = known(st, obj);
    if (!graph && !PyErr_Occurred()) {
        struct region *r = freeze_graph(st, obj, protects);
        if (r)
            graph = new_handle(r, r->root, false);
    }
    region_sweep();
    return graph ? new_frozen(st, graph) : NULL;
}

PyDoc_STRVAR(is_frozen_doc,
             "is_frozen($module, obj, /)\n--\n\n"
             "Whether obj is a Frozen, or is in a graph that is open here: it "
             "is sent without\na copy. Not so None, small integers and names "
             "that every interpreter has anyway.");

static PyObject *
is_frozen(PyObject *module, PyObject *obj)
{
    core_state *st = core_state_of(module);

    return PyBool_FromLong(Py_TYPE(obj) == st->frozen_type ||
                           region_of(st, obj));
}

static PyStructSequence_Field graph_members[] = {
    {"nbytes", "the memory that it takes"},
    {"nodes", "how many objects it has"},
    {"local_nodes", "how many of them each interpreter builds for itself"},
    {"handles", "how many objects of it Frozens, views and messages stand for"},
    {"interpreters", "the ids of those that have it open, a tuple"},
    {0}};

static PyStructSequence_Desc graph_spec = {
    "intercsp.FrozenGraph", "What frozen_stats() says of one graph.",
    graph_members, sizeof graph_members / sizeof *graph_members - 1};

static PyStructSequence_Field stats_members[] = {
    {"opened", "bytes of the graphs that this interpreter has open"},
    {"graphs", "all of the program, a tuple of FrozenGraph"},
    {0}};

static PyStructSequence_Desc stats_spec = {
    "intercsp.FrozenStats", "What frozen_stats() returns.", stats_members,
    sizeof stats_members / sizeof *stats_members - 1};

/* The ids as a tuple. */
static PyObject *
tuple_of_ids(const int64_t *ids, size_t n)
{
    PyObject *tuple = PyTuple_New((Py_ssize_t)n);

    for (size_t i = 0; tuple && i < n; i++) {
        PyObject *id = PyLong_FromLongLong(ids[i]);
        if (id)
            PyTuple_SET_ITEM(tuple, (Py_ssize_t)i, id);
        else
            Py_CLEAR(tuple);
    }
    return tuple;
}

static PyObject *
graph_of(core_state *st, const struct region_info *info)
{
    PyObject *items[] = {
        PyLong_FromSize_t(info->bytes), PyLong_FromSize_t(info->nodes),
        PyLong_FromSize_t(info->shells), PyLong_FromSize_t(info->handles),
        tuple_of_ids(info->holders, info->n_holders)};

    return structure_new(st->graph_type, items, graph_spec.n_in_sequence);
}

static PyObject *
all_graphs(core_state *st)
{
    struct region_info *infos;
    Py_ssize_t n = region_list(&infos);
    PyObject *tuple = n < 0 ? NULL : PyTuple_New(n);

    for (Py_ssize_t i = 0; i < n; i++) {
        PyObject *graph = tuple ? graph_of(st, &infos[i]) : NULL;
        if (graph)
            PyTuple_SET_ITEM(tuple, i, graph);
        else
            Py_CLEAR(tuple);
        PyMem_RawFree(infos[i].holders);
    }
    if (n >= 0)
        PyMem_RawFree(infos);
    return tuple;
}

PyDoc_STRVAR(frozen_stats_doc,
             "frozen_stats($module, /)\n--\n\n"
             "The frozen graphs of this program, and who has them open: a "
             "FrozenStats.\n\nFirst lets go of those that only interpreters "
             "had that are gone.");

static PyObject *
frozen_stats(PyObject *module, PyObject *Py_UNUSED(unused))
{
    core_state *st = core_state_of(module);

    region_sweep();
    PyObject *items[] = {PyLong_FromSize_t(st->opened ? st->opened->bytes : 0),
                         all_graphs(st)};
    return structure_new(st->frozen_stats_type, items,
                         stats_spec.n_in_sequence);
}

PyMethodDef frozen_functions[] = {
    {"freeze", (PyCFunction)(void (*)(void))freeze,
     METH_VARARGS | METH_KEYWORDS, freeze_doc},
    {"is_frozen", is_frozen, METH_O, is_frozen_doc},
    {"frozen_stats", frozen_stats, METH_NOARGS, frozen_stats_doc},
    {0}};

/* Whether sys.flags.dev_mode is set; -1 with an exception. */
static int
is_dev_mode(void)
{
    PyObject *sys = PyImport_ImportModule("sys");
    PyObject *flags = sys ? PyObject_GetAttrString(sys, "flags") : NULL;
    PyObject *mode = flags ? PyObject_GetAttrString(flags, "dev_mode") : NULL;
    int is = mode ? PyObject_IsTrue(mode) : -1;

    Py_XDECREF(mode);
    Py_XDECREF(flags);
    Py_XDECREF(sys);
    return is;
}

int
frozen_exec(PyObject *module, core_state *st)
{
    int dev_mode = is_dev_mode();

    st->is_dev_mode = dev_mode > 0;
    if (dev_mode < 0)
        return -1;
    st->frozen_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &frozen_spec, NULL);
    st->graph_type = PyStructSequence_NewType(&graph_spec);
    st->frozen_stats_type = PyStructSequence_NewType(&stats_spec);
    if (!st->frozen_type || !st->graph_type || !st->frozen_stats_type)
        return -1;
    if (PyModule_AddType(module, st->frozen_type) < 0 ||
        PyModule_AddType(module, st->graph_type) < 0 ||
        PyModule_AddType(module, st->frozen_stats_type) < 0)
        return -1;
    return view_exec(module, st);
}
