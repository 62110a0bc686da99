// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* await.c: asend(), arecv() and `async for`: done at once where that can be,
 * without a future or a turn of the event loop; what has to wait is a Pending
 * (pending.c), as are the choices of aselect().
 *
 * Invariants:
 *   A1  Nothing is sent or taken before the first step: what is never awaited
 *       has no effect.
 *   A2  Between taking a value and returning it there is no await, so that a
 *       cancellation cannot come in between. Who has had many in a row lets
 *       others run *before* he takes the next.
 *   A3  One step at a time: what a step calls (to pickle what is sent) cannot
 *       step it, throw into it or close it. As generators have it. */
#include "await.h"

#include "codec.h"
#include "ends.h"
#include "pending.h"

/* So many in a row, in an interpreter, before others have their turn. */
enum { IN_A_ROW = 128 };

enum kind { SEND, RECV, NEXT, GIVE, CHOICE };

static const char *const names[] = {
    [SEND] = "asend", [RECV] = "arecv", [NEXT] = "arecv"};

typedef struct {
    PyObject_HEAD
    core_state *st;
    enum kind kind;
    PyObject *end;   /* until the first step; GIVE: what comes of it */
    PyObject *obj;   /* SEND: what to send, until the first step */
    PyObject *inner; /* the Pending that waits */
    bool running;    /* a step is under way: A3 */
} await_object;

static PyObject *
await_new(core_state *st, enum kind kind, PyObject *end, PyObject *obj)
{
    await_object *self = PyObject_GC_New(await_object, st->await_type);

    if (!self)
        return NULL;
    self->st = st;
    self->kind = kind;
    self->end = Py_XNewRef(end);
    self->obj = Py_XNewRef(obj);
    self->inner = NULL;
    self->running = false;
    PyObject_GC_Track(self);
    return (PyObject *)self;
}

static int
await_traverse(PyObject *op, visitproc visit, void *arg)
{
    await_object *self = (await_object *)op;

    Py_VISIT(Py_TYPE(op));
    Py_VISIT(self->end);
    Py_VISIT(self->obj);
    Py_VISIT(self->inner);
    return 0;
}

static int
await_clear(PyObject *op)
{
    await_object *self = (await_object *)op;

    Py_CLEAR(self->end);
    Py_CLEAR(self->obj);
    Py_CLEAR(self->inner);
    return 0;
}

/* As coroutines do: a call that was meant to be awaited is a mistake. */
static void
await_finalize(PyObject *op)
{
    await_object *self = (await_object *)op;
    PyObject *error = PyErr_GetRaisedException();
    PyObject *inner = self->inner;

    if (self->end && self->kind != GIVE &&
        PyErr_WarnFormat(PyExc_RuntimeWarning, 1,
                         "%s() of channel '%s' was never awaited: nothing was "
                         "%s",
                         names[self->kind], ends_name((end_object *)self->end),
                         self->kind == SEND ? "sent" : "received") < 0)
        PyErr_WriteUnraisable(op);
    self->inner = NULL;
    if (inner)
        pending_close(inner);
    Py_XDECREF(inner);
    PyErr_SetRaisedException(error);
}

static void
await_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    if (PyObject_CallFinalizerFromDealloc(op) < 0)
        return;
    PyObject_GC_UnTrack(op);
    await_clear(op);
    PyObject_GC_Del(op);
    Py_DECREF(type);
}

/* ---- steps ---- */

/* Tries to receive now. Returns: PYGEN_NEXT: it has to wait. */
static PySendResult
attempt_recv(await_object *self, end_object *end, PyObject **result)
{
    csp_value v;
    int rc = csp_rx_try_recv(end->end, &v);

    if (rc == CSP_EEMPTY)
        return PYGEN_NEXT;
    if (rc == CSP_ECLOSED && self->kind == NEXT)
        PyErr_SetNone(PyExc_StopAsyncIteration);
    else if (rc < 0)
        ends_fail(end, rc);
    *result = rc == 0 ? ends_decode(end, v) : NULL;
    return *result ? PYGEN_RETURN : PYGEN_ERROR;
}

/* The same for a send. What was encoded in vain is encoded again later. */
static PySendResult
attempt_send(await_object *self, end_object *end, PyObject *obj,
             PyObject **result)
{
    csp_value v;
    struct gifts gifts;

    if (codec_encode_as(self->st, obj, ends_flags(end), &v, &gifts, NULL) < 0)
        return PYGEN_ERROR;
    int rc = csp_tx_try_send(end->end, v);
    if (rc < 0)
        csp_value_unref(&v);
    gifts_done(&gifts, rc == 0);
    if (rc == CSP_EFULL)
        return PYGEN_NEXT;
    if (rc < 0)
        ends_fail(end, rc);
    *result = rc == 0 ? Py_NewRef(Py_None) : NULL;
    return *result ? PYGEN_RETURN : PYGEN_ERROR;
}

/* Tries it once. Returns: PYGEN_NEXT: inner is what waits. */
static PySendResult
first_step(await_object *self, PyObject **result)
{
    PyObject *end = self->end, *obj = self->obj;

    self->end = self->obj = NULL;
    PySendResult r = obj ? attempt_send(self, (end_object *)end, obj, result)
                         : attempt_recv(self, (end_object *)end, result);
    if (r == PYGEN_NEXT) {
        self->st->in_a_row = 0; /* others have their turn now */
        self->inner = pending_one(self->st, end, obj);
        if (!self->inner)
            r = PYGEN_ERROR;
    }
    Py_DECREF(end);
    Py_XDECREF(obj);
    return r;
}

/* What comes of inner, which has answered @p r. */
static PySendResult
ended(await_object *self, PySendResult r)
{
    PyObject *closed = self->st->errors[ERROR_CLOSED];

    if (r == PYGEN_ERROR && self->kind == NEXT &&
        PyErr_ExceptionMatches(closed)) {
        PyErr_Clear();
        PyErr_SetNone(PyExc_StopAsyncIteration);
    }
    if (r != PYGEN_NEXT)
        Py_CLEAR(self->inner);
    return r;
}

/* Begins a step. Returns: 0; -1 with an exception (A3). */
static int
enter(await_object *self)
{
    if (self->running) {
        PyErr_SetString(PyExc_ValueError, "it is being awaited just now");
        return -1;
    }
    self->running = true;
    return 0;
}

static PySendResult
step(await_object *self, PyObject **result)
{
    core_state *st = self->st;

    if (self->end && self->kind == GIVE) {
        *result = self->end;
        self->end = NULL;
        return PYGEN_RETURN;
    }
    if (self->end && ++st->in_a_row >= IN_A_ROW) { /* A2 */
        st->in_a_row = 0;
        *result = Py_NewRef(Py_None);
        return PYGEN_NEXT;
    }
    if (self->end) {
        PySendResult r = first_step(self, result);
        if (r != PYGEN_NEXT)
            return r;
    }
    if (!self->inner) {
        PyErr_SetString(PyExc_RuntimeError,
                        "cannot reuse what was awaited already");
        return PYGEN_ERROR;
    }
    if (pending_is_awaited(self->inner)) {
        PyErr_SetString(PyExc_RuntimeError, "is awaited by another task");
        return PYGEN_ERROR;
    }
    PyObject *inner = Py_NewRef(self->inner);
    PySendResult r = ended(self, pending_step(inner, result));
    Py_DECREF(inner);
    return r;
}

static PySendResult
await_step(PyObject *op, PyObject *Py_UNUSED(arg), PyObject **result)
{
    await_object *self = (await_object *)op;

    *result = NULL;
    if (enter(self) < 0)
        return PYGEN_ERROR;
    PySendResult r = step(self, result);
    self->running = false;
    return r;
}

/* The same, as generators answer: what is returned goes out in StopIteration.
 */
static PyObject *
as_generator(PySendResult r, PyObject *result)
{
    if (r != PYGEN_RETURN)
        return result;
    PyObject *stop = PyObject_CallOneArg(PyExc_StopIteration, result);
    if (stop)
        PyErr_SetObject(PyExc_StopIteration, stop);
    Py_XDECREF(stop);
    Py_DECREF(result);
    return NULL;
}

static PyObject *
await_send_method(PyObject *op, PyObject *arg)
{
    PyObject *result;
    PySendResult r = await_step(op, arg, &result);

    return as_generator(r, result);
}

static PyObject *
await_iternext(PyObject *op)
{
    return await_send_method(op, Py_None);
}

/* Sets what throw() was called with: an exception; or a class and a value. */
static void
set_thrown(PyObject *const *args, Py_ssize_t nargs)
{
    if (PyExceptionInstance_Check(args[0]))
        PyErr_SetObject((PyObject *)Py_TYPE(args[0]), args[0]);
    else if (PyExceptionClass_Check(args[0]))
        PyErr_SetObject(args[0], nargs > 1 ? args[1] : NULL);
    else
        PyErr_SetString(PyExc_TypeError, "what is thrown must be an exception");
}

/* Before the first step it ends here, as nothing has happened. */
static PyObject *
await_throw(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    await_object *self = (await_object *)op;
    PyObject *result = NULL;

    if (nargs < 1 || nargs > 3) {
        PyErr_Format(PyExc_TypeError,
                     "throw() takes 1 to 3 arguments (%zd given)", nargs);
        return NULL;
    }
    if (enter(self) < 0)
        return NULL;
    Py_CLEAR(self->end);
    Py_CLEAR(self->obj);
    set_thrown(args, nargs);
    PyObject *inner = Py_XNewRef(self->inner);
    PySendResult r =
        inner ? ended(self, pending_throw(inner, &result)) : PYGEN_ERROR;
    Py_XDECREF(inner);
    self->running = false;
    return as_generator(r, result);
}

static PyObject *
await_close(PyObject *op, PyObject *Py_UNUSED(unused))
{
    await_object *self = (await_object *)op;
    PyObject *inner = self->inner;

    if (enter(self) < 0)
        return NULL;
    self->inner = NULL;
    Py_CLEAR(self->end);
    Py_CLEAR(self->obj);
    if (inner) {
        pending_close(inner);
        Py_DECREF(inner);
    }
    self->running = false;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"send", await_send_method, METH_O, NULL},
    {"throw", (PyCFunction)(void (*)(void))await_throw, METH_FASTCALL, NULL},
    {"close", await_close, METH_NOARGS, NULL},
    {0}};

static PyType_Slot slots[] = {
    {Py_tp_dealloc, await_dealloc},   {Py_tp_finalize, await_finalize},
    {Py_tp_traverse, await_traverse}, {Py_tp_clear, await_clear},
    {Py_am_await, PyObject_SelfIter}, {Py_am_send, await_step},
    {Py_tp_iter, PyObject_SelfIter},  {Py_tp_iternext, await_iternext},
    {Py_tp_methods, methods},         {0, NULL}};

static PyType_Spec spec = {.name = "intercsp._core.Await",
                           .basicsize = sizeof(await_object),
                           .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC |
                                    Py_TPFLAGS_IMMUTABLETYPE |
                                    Py_TPFLAGS_DISALLOW_INSTANTIATION,
                           .slots = slots};

int
await_exec(PyObject *module, core_state *st)
{
    st->await_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &spec, NULL);
    return st->await_type ? PyModule_AddType(module, st->await_type) : -1;
}

PyObject *
await_pending(core_state *st, PyObject *pending)
{
    await_object *self = (await_object *)await_new(st, CHOICE, NULL, NULL);

    if (self)
        self->inner = pending;
    else
        Py_DECREF(pending);
    return (PyObject *)self;
}

/* ---- the methods of ends ---- */

const char await_send_doc[] =
    "asend($self, obj, /)\n--\n\n"
    "Send obj, in a coroutine: await end.asend(obj).\n\n"
    "As send(), but where that waits this lets the event loop run. If it is "
    "cancelled\nnothing was sent.";

PyObject *
await_send(PyObject *op, PyObject *obj)
{
    return await_new(((end_object *)op)->st, SEND, op, obj);
}

const char await_recv_doc[] =
    "arecv($self, /)\n--\n\n"
    "Receive the oldest value, in a coroutine: await end.arecv().\n\n"
    "As recv(), but where that waits this lets the event loop run. If it is "
    "cancelled\nnothing was taken.";

PyObject *
await_recv(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return await_new(((end_object *)op)->st, RECV, op, NULL);
}

PyObject *
await_next(PyObject *op)
{
    return await_new(((end_object *)op)->st, NEXT, op, NULL);
}

PyObject *
await_enter(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return await_new(((end_object *)op)->st, GIVE, op, NULL);
}

PyObject *
await_exit(PyObject *op, PyObject *const *Py_UNUSED(args),
           Py_ssize_t Py_UNUSED(nargs))
{
    end_object *self = (end_object *)op;

    self->side->close(self->end);
    return await_new(self->st, GIVE, Py_None, NULL);
}
