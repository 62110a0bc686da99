// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* move.c: csp.move(): an object changes hands, without a copy.
 *
 * A large bytes or str is one block from malloc with nothing of its
 * interpreter in it, as its type is static. If nobody else refers to it, it can
 * become an object of another interpreter as it is.
 *
 * Invariants:
 *   V1  struct moved has two references: the value's and the sender's, who
 *       lets go when it knows whether the value was sent. Whoever takes obj out
 *       of it sets it to NULL: the receiver, if the value is its alone; the
 *       sender, if it was not sent. These exclude each other.
 *   V2  What is left with the last reference is freed, on any thread.
 *   V3  An object is taken over only while the allocator is the one that it
 *       came from; otherwise it is copied.
 *   V4  While moved is set the receiver may have the object, or have freed it:
 *       nobody here looks at it, the garbage collector included. */
#include <stdatomic.h>
#include <stdlib.h>

#include "buffer.h"
#include "compat.h"

struct moved {
    atomic_uint refs;
    PyObject *obj;
    enum compat_allocator allocator;
};

typedef struct {
    PyObject_HEAD
    core_state *st;
    PyObject *obj;       /* NULL: it was sent */
    struct moved *moved; /* while it is being sent, if it is not copied */
    bool is_temporary, giving;
} move_object;

static void
moved_unref(void *arg)
{
    struct moved *m = arg;

    if (atomic_fetch_sub(&m->refs, 1) != 1)
        return;
    if (m->obj)
        compat_free_block(m->obj);
    free(m);
}

static void
given(PyObject *op, bool sent)
{
    move_object *self = (move_object *)op;
    struct moved *m = self->moved;

    self->giving = false;
    self->moved = NULL;
    if (m && sent) {
        compat_disown_block();
        self->obj = NULL;
    } else if (m) {
        m->obj = NULL; /* V1 */
    } else if (sent) {
        Py_CLEAR(self->obj);
    }
    if (m)
        moved_unref(m);
}

/* A value of the object itself. */
static int
give_block(move_object *self, csp_value *out)
{
    PyObject *obj = self->obj;
    bool is_str = PyUnicode_CheckExact(obj);
    const char *data = is_str ? PyUnicode_DATA(obj) : PyBytes_AS_STRING(obj);
    Py_ssize_t size =
        is_str ? PyUnicode_GET_LENGTH(obj) : PyBytes_GET_SIZE(obj);
    struct moved *m = malloc(sizeof *m);

    if (!m || csp_value_buffer(data, (size_t)size,
                               is_str ? CSP_VALUE_AS_STR : CSP_VALUE_AS_BYTES,
                               moved_unref, m, out) < 0) {
        free(m);
        PyErr_NoMemory();
        return -1;
    }
    atomic_init(&m->refs, 2);
    m->obj = obj;
    m->allocator = compat_allocator();
    self->moved = m;
    return 1;
}

bool
move_is_of_buffer(core_state *st, PyObject *op)
{
    move_object *self = (move_object *)op;

    return self->obj && !self->moved && /* V4 */
           Py_IS_TYPE(self->obj, st->buffer_type);
}

int
move_give(core_state *st, PyObject *op, csp_value *out, PyObject **instead,
          struct gifts *gifts)
{
    move_object *self = (move_object *)op;

    if (!self->obj || self->giving) {
        PyErr_SetString(errors_class(st, ERROR_MOVED),
                        self->giving ? "this is being moved, or twice in one "
                                       "value"
                                     : "this was moved");
        return -1;
    }
    if (gifts_add(gifts, op, given) < 0)
        return -1;
    self->giving = true;
    if (Py_IS_TYPE(self->obj, st->buffer_type))
        return buffer_give(self->obj, out, gifts) < 0 ? -1 : 1;
    if (self->is_temporary && compat_is_block(self->obj)) {
        st->n_moved++;
        return give_block(self, out);
    }
    st->n_copied++;
    *instead = self->obj;
    return 0;
}

static PyObject *
copied(PyObject *obj)
{
    if (PyBytes_CheckExact(obj))
        return PyBytes_FromStringAndSize(PyBytes_AS_STRING(obj),
                                         PyBytes_GET_SIZE(obj));
    return PyUnicode_FromKindAndData(PyUnicode_1BYTE_KIND, PyUnicode_DATA(obj),
                                     PyUnicode_GET_LENGTH(obj));
}

PyObject *
move_take(csp_value v)
{
    struct moved *m = csp_value_reclaim(v, moved_unref);

    if (!m)
        return NULL;
    PyObject *obj = m->obj;
    if (m->allocator == compat_allocator()) {
        compat_own_block();
        m->obj = NULL;
    } else {
        obj = copied(obj); /* V3 */
    }
    moved_unref(m);
    return obj;
}

/* ---- the object ---- */

static int
move_traverse(PyObject *op, visitproc visit, void *arg)
{
    move_object *self = (move_object *)op;

    Py_VISIT(Py_TYPE(op));
    if (!self->moved) /* V4 */
        Py_VISIT(self->obj);
    return 0;
}

static int
move_clear(PyObject *op)
{
    Py_CLEAR(((move_object *)op)->obj);
    return 0;
}

static void
move_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    move_clear(op);
    type->tp_free(op);
    Py_DECREF(type);
}

static PyObject *
move_repr(PyObject *op)
{
    move_object *self = (move_object *)op;

    if (self->moved) /* V4 */
        return PyUnicode_FromString("<intercsp.Move, being moved>");
    return self->obj ? PyUnicode_FromFormat("<intercsp.Move of a %s>",
                                            Py_TYPE(self->obj)->tp_name)
                     : PyUnicode_FromString("<intercsp.Move, moved>");
}

PyObject *
move_owned(core_state *st, PyObject *obj)
{
    if (!compat_is_block(obj))
        return obj;
    move_object *self =
        (move_object *)st->move_type->tp_alloc(st->move_type, 0);
    if (!self) {
        Py_DECREF(obj);
        return NULL;
    }
    self->st = st;
    self->obj = obj;
    self->is_temporary = true;
    return (PyObject *)self;
}

PyDoc_STRVAR(
    move_doc,
    "move($module, obj, /)\n--\n\n"
    "What to send in place of obj, which is not needed here any more.\n\n"
    "A Buffer is handed over, and is Moved here from then on. A large bytes or "
    "str that\nnothing else refers to, such as the result of a call, is "
    "handed over where this\nbuild of Python allows it. Anything else is "
    "sent as it would be without move(),\nand stays valid: move() is a "
    "permission.");

static PyObject *
move(PyObject *module, PyObject *const *args, Py_ssize_t nargs)
{
    core_state *st = core_state_of(module);

    if (nargs != 1) {
        PyErr_Format(PyExc_TypeError, "move() takes one object (%zd given)",
                     nargs);
        return NULL;
    }
    if (Py_IS_TYPE(args[0], st->move_type)) /* so none is in another */
        return Py_NewRef(args[0]);
    bool is_temporary = compat_is_temporary(args);
    move_object *self =
        (move_object *)st->move_type->tp_alloc(st->move_type, 0);
    if (!self)
        return NULL;
    self->st = st;
    self->obj = Py_NewRef(args[0]);
    self->is_temporary = is_temporary;
    return (PyObject *)self;
}

PyDoc_STRVAR(moves_doc, "moves($module, /)\n--\n\n"
                        "(moved, copied): what became of the objects that "
                        "this interpreter sent with\nmove().");

static PyObject *
moves(PyObject *module, PyObject *Py_UNUSED(unused))
{
    core_state *st = core_state_of(module);

    return Py_BuildValue("(KK)", st->n_moved, st->n_copied);
}

PyMethodDef move_functions[] = {
    {"move", (PyCFunction)(void (*)(void))move, METH_FASTCALL, move_doc},
    {"moves", moves, METH_NOARGS, moves_doc},
    {0}};

static PyType_Slot move_slots[] = {{Py_tp_dealloc, move_dealloc},
                                   {Py_tp_traverse, move_traverse},
                                   {Py_tp_clear, move_clear},
                                   {Py_tp_repr, move_repr},
                                   {0, NULL}};

static PyType_Spec move_spec = {"intercsp.Move", sizeof(move_object), 0,
                                Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE |
                                    Py_TPFLAGS_HAVE_GC |
                                    Py_TPFLAGS_DISALLOW_INSTANTIATION,
                                move_slots};

int
move_exec(PyObject *module, core_state *st)
{
    st->move_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &move_spec, NULL);
    return st->move_type ? 0 : -1;
}
