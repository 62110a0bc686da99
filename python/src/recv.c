// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* recv.c: what a receive end does. */
#include "await.h"
#include "blocking.h"
#include "codec.h"
#include "ends.h"

/* Receives into *v. Returns: a status; CSP_EINTERRUPTED: exception set. */
static int
recv(end_object *self, csp_value *v, int64_t ns)
{
    int rc = csp_rx_recv(self->end, v, ns ? CSP_SPIN : CSP_NOWAIT);

    if (rc == CSP_ETIMEOUT && ns)
        rc = blocking_run(self->st, blocking_recv, self->end, v,
                          blocking_deadline(self->st, ns));
    return rc;
}

PyDoc_STRVAR(recv_doc,
             "recv($self, /, timeout=None)\n--\n\n"
             "Receive the oldest value, waiting for one.\n\n"
             "Waits at most timeout seconds (None: for ever, 0: not at all); "
             "the GIL is\nreleased meanwhile and Ctrl-C interrupts the wait. "
             "Raises TimeoutError, Closed\n(no send end is left and everything "
             "was received), Poisoned, EndClosed, Moved;\nthen nothing was "
             "taken.");

static PyObject *
rx_recv(PyObject *op, PyObject *const *args, Py_ssize_t nargs, PyObject *names)
{
    end_object *self = (end_object *)op;
    int64_t ns = INT64_MAX;
    csp_value v;

    if ((nargs || names) &&
        ends_parse_timeout("recv", args, nargs, names, 0, &ns) < 0)
        return NULL;
    int rc = recv(self, &v, ns);
    if (rc == 0)
        return ends_decode(self, v);
    return rc == CSP_EINTERRUPTED ? NULL : ends_fail(self, rc);
}

PyDoc_STRVAR(recv_nowait_doc,
             "recv_nowait($self, default=<unset>, /)\n--\n\n"
             "Receive the oldest value if there is one now.\n\n"
             "Otherwise return default, or raise Empty if there is none. "
             "default stands for\nempty only: a channel that has ended raises "
             "Closed all the same.");

static PyObject *
rx_recv_nowait(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    end_object *self = (end_object *)op;
    csp_value v;

    if (nargs > 1) {
        PyErr_Format(PyExc_TypeError,
                     "recv_nowait() takes at most 1 argument (%zd given)",
                     nargs);
        return NULL;
    }
    int rc = csp_rx_try_recv(self->end, &v);
    if (rc == 0)
        return ends_decode(self, v);
    if (rc == CSP_EEMPTY && nargs)
        return Py_NewRef(args[0]);
    return ends_fail(self, rc);
}

/* ---- many ---- */

/* A batch is taken in bursts of at most so many. */
enum { BURST = 128 };

/* None, bool, int, float: but for memory nothing is missing to make those. */
static inline bool
is_plain(csp_value v)
{
    return csp_value_kind(v) < CSP_KIND_STR;
}

/* Takes up to @p n values behind the one that @p values begins with, before
 * anything is made of them: so the senders have the ring to themselves
 * meanwhile. The last may be one that cannot be made again here, which is no
 * reason to lose others: what is behind it stays in the channel.
 * Returns: how many there are now. */
static size_t
take_burst(end_object *self, csp_value *values, size_t n)
{
    size_t taken = 1;

    while (taken < n && is_plain(values[taken - 1]) &&
           csp_rx_recv(self->end, &values[taken], CSP_NOWAIT) == 0)
        taken++;
    return taken;
}

/* Appends what a burst took; @p values pass. One that no memory was left for
 * is lost, those behind it are not.
 * Returns: 0; -1 with an exception. */
static int
append_burst(end_object *self, PyObject *list, csp_value *values, size_t n)
{
    int rc = 0;

    for (size_t i = 0; i < n; i++) {
        if (rc < 0)
            PyErr_Clear();
        PyObject *obj = ends_decode(self, values[i]);
        if (!obj || PyList_Append(list, obj) < 0)
            rc = -1;
        Py_XDECREF(obj);
    }
    if (rc < 0 && !PyErr_Occurred())
        PyErr_NoMemory();
    return rc;
}

/* Gives @p list, which is empty, room for a burst, so that it does not grow in
 * a dozen steps; where there is no memory for that it may. */
static void
make_room(PyObject **list, size_t n)
{
    PyObject *wide = n > 4 ? PyList_New((Py_ssize_t)n) : NULL;

    if (wide) {
        Py_SET_SIZE(wide, 0);
        Py_SETREF(*list, wide);
    } else {
        PyErr_Clear();
    }
}

/* Takes what is there, up to @p max in all, behind @p v, which passes, into a
 * list that is empty.
 * Returns: 0; -1 with an exception, when one cannot be made again here. */
static int
take_many(end_object *self, PyObject **list, csp_value v, Py_ssize_t max)
{
    csp_value values[BURST];

    values[0] = v;
    for (;;) {
        Py_ssize_t had = PyList_GET_SIZE(*list), rest = max - had;
        size_t n =
            take_burst(self, values, rest < BURST ? (size_t)rest : BURST);
        if (had == 0)
            make_room(list, n);
        if (append_burst(self, *list, values, n) < 0)
            return -1;
        if (PyList_GET_SIZE(*list) >= max ||
            csp_rx_recv(self->end, &values[0], CSP_NOWAIT) < 0)
            return 0;
    }
}

PyDoc_STRVAR(
    recv_many_doc,
    "recv_many($self, max, /, timeout=None)\n--\n\n"
    "Receive what there is, at most max values, as a list.\n\n"
    "Waits for the first as recv() does, and then for no more. An error after "
    "the first\n(a value that cannot be made again here) has a list of those "
    "before as .received.");

static PyObject *
rx_recv_many(PyObject *op, PyObject *const *args, Py_ssize_t nargs,
             PyObject *names)
{
    end_object *self = (end_object *)op;
    int64_t ns;
    csp_value v;

    if (ends_parse_timeout("recv_many", args, nargs, names, 1, &ns) < 0)
        return NULL;
    Py_ssize_t max = PyNumber_AsSsize_t(args[0], NULL);
    if (max == -1 && PyErr_Occurred())
        return NULL;
    if (max < 1) {
        PyErr_Format(PyExc_ValueError, "max must be at least 1, not %zd", max);
        return NULL;
    }
    PyObject *list = PyList_New(0);
    if (!list)
        return NULL;
    int rc = recv(self, &v, ns);
    if (rc < 0) {
        Py_DECREF(list);
        return rc == CSP_EINTERRUPTED ? NULL : ends_fail(self, rc);
    }
    if (take_many(self, &list, v, max) == 0)
        return list;
    errors_note("received", list);
    return NULL;
}

/* ---- iteration ---- */

PyObject *
recv_next(PyObject *op)
{
    end_object *self = (end_object *)op;
    csp_value v;
    int rc = recv(self, &v, INT64_MAX);

    if (rc == 0)
        return ends_decode(self, v);
    if (rc == CSP_ECLOSED || rc == CSP_EINTERRUPTED)
        return NULL; /* the end of the iteration; an exception that is set */
    return ends_fail(self, rc);
}

PyMethodDef recv_methods[] = {
    {"recv", (PyCFunction)(void (*)(void))rx_recv,
     METH_FASTCALL | METH_KEYWORDS, recv_doc},
    {"recv_nowait", (PyCFunction)(void (*)(void))rx_recv_nowait, METH_FASTCALL,
     recv_nowait_doc},
    {"recv_many", (PyCFunction)(void (*)(void))rx_recv_many,
     METH_FASTCALL | METH_KEYWORDS, recv_many_doc},
    {"arecv", await_recv, METH_NOARGS, await_recv_doc},
    ENDS_METHODS_OF_CHANNELS,
    {0}};
