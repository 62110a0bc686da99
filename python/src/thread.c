// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* thread.c: intercsp._core.Thread, what process.py builds a Process on: an OS
 * thread that owns an interpreter and runs intercsp._boot.main(*payload). */
#include "thread.h"

#include <unistd.h>

#include <csp/status.h>

#include "blocking.h"
#include "codec.h"
#include "compat.h"
#include "fork.h"
#include "host.h"
#include "module.h"

/* What stopping everything at exit may take, from the last success on. */
#define EXIT_PATIENCE_NS INT64_C(5000000000)

typedef struct {
    PyObject_HEAD
    core_state *st;
    struct host *host;
    PyObject *result; /* once it was asked for, or NULL */
} thread_object;

/* ---- in the new interpreter ---- */

/* The error that is set, as ('crash', text). Returns: NULL with another one. */
static PyObject *
crashed(void)
{
    PyObject *error = PyErr_GetRaisedException();
    PyObject *text = PyUnicode_FromFormat(
        "%s: %S", error ? Py_TYPE(error)->tp_name : "error",
        error ? error : Py_None);
    PyObject *pair = text ? Py_BuildValue("(sO)", "crash", text) : NULL;

    Py_XDECREF(text);
    Py_XDECREF(error);
    return pair;
}

/* The same as a value. */
static csp_value
crash(core_state *st)
{
    PyObject *pair = crashed();
    csp_value v = csp_value_none();
    struct gifts gifts;

    if (!pair || !st || codec_encode(st, pair, &v, &gifts) < 0) {
        PyObject *text = pair ? PyTuple_GET_ITEM(pair, 1) : NULL;
        const char *s = text ? PyUnicode_AsUTF8(text) : NULL;
        if (!s || csp_value_str(s, strlen(s), &v) < 0)
            v = csp_value_none();
        PyErr_Clear();
    }
    Py_XDECREF(pair);
    return v;
}

/* What a call returned, or that it was stopped at the last moment.
 * Returns: NULL with an exception. */
static PyObject *
returned(core_state *st, PyObject *result)
{
    if (!result && PyErr_ExceptionMatches(st->errors[ERROR_CANCELLED])) {
        PyErr_Clear(); /* it came when all was done but to return */
        result = Py_BuildValue("(s)", "stopped");
    }
    return result;
}

/* sys.path and sys.argv as they were in the interpreter that started us. */
static int
set_up(csp_value setup)
{
    PyObject *pair = codec_decode(NULL, setup), *path, *argv;
    int rc = -1;

    if (pair && PyArg_ParseTuple(pair, "OO", &path, &argv))
        rc = PySys_SetObject("path", path) < 0 ||
                     PySys_SetObject("argv", argv) < 0
                 ? -1
                 : 0;
    Py_XDECREF(pair);
    return rc;
}

static PyObject *
call_main(core_state *st, struct host *h)
{
    PyObject *boot = PyImport_ImportModule("intercsp._boot");
    PyObject *function = boot ? PyObject_GetAttrString(boot, "main") : NULL;
    csp_value payload = host_take_payload(h);
    PyObject *args = function ? codec_decode(st, payload) : NULL;
    PyObject *result = NULL;

    csp_value_unref(&payload);
    if (args)
        result = PyObject_CallObject(function, args);
    Py_XDECREF(args);
    Py_XDECREF(function);
    Py_XDECREF(boot);
    return result;
}

/* The interpreter's work, from its first import to its result. */
static csp_value
run(struct host *h)
{
    PyObject *core = NULL, *result = NULL;
    core_state *st = NULL;
    csp_value v = csp_value_none();
    struct gifts gifts;

    if (set_up(host_setup(h)) == 0)
        core = PyImport_ImportModule("intercsp._core");
    if (!core)
        return crash(NULL);
    st = core_state_of(core);
    if (host_attach(h, st->record)) {
        result = returned(st, call_main(st, h));
        if (!result || codec_encode(st, result, &v, &gifts) < 0)
            v = crash(st);
        else
            gifts_done(&gifts, true);
    }
    Py_XDECREF(result);
    Py_DECREF(core);
    return v;
}

/* ---- in the interpreter that starts it ---- */

static PyObject *
strings_of(PyObject *list)
{
    PyObject *strings = PyList_New(0);

    if (!list || !PyList_Check(list))
        return strings;
    for (Py_ssize_t i = 0; strings && i < PyList_GET_SIZE(list); i++) {
        PyObject *s = PyList_GET_ITEM(list, i);
        if (PyUnicode_CheckExact(s) && PyList_Append(strings, s) < 0)
            Py_CLEAR(strings);
    }
    return strings;
}

static int
encode_setup(core_state *st, csp_value *out)
{
    PyObject *path = strings_of(PySys_GetObject("path"));
    PyObject *argv = strings_of(PySys_GetObject("argv"));
    PyObject *pair = path && argv ? PyTuple_Pack(2, path, argv) : NULL;
    struct gifts gifts;
    int rc = pair ? codec_encode(st, pair, out, &gifts) : -1;

    if (rc == 0)
        gifts_done(&gifts, true);
    Py_XDECREF(pair);
    Py_XDECREF(argv);
    Py_XDECREF(path);
    return rc;
}

static PyObject *
thread_object_new(core_state *st, struct host *h)
{
    thread_object *self =
        (thread_object *)st->thread_type->tp_alloc(st->thread_type, 0);

    if (!self) {
        host_unref(h);
        return NULL;
    }
    self->st = st;
    self->host = h;
    return (PyObject *)self;
}

static PyObject *
thread_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"name", "daemon", NULL};
    core_state *st = PyType_GetModuleState(type);
    const char *name;
    int is_daemon = 0;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "s|p:Thread", keywords,
                                     &name, &is_daemon))
        return NULL;
    struct host *h = host_new(run, name, is_daemon);
    return h ? thread_object_new(st, h) : PyErr_NoMemory();
}

static int
thread_traverse(PyObject *op, visitproc visit, void *arg)
{
    Py_VISIT(Py_TYPE(op));
    Py_VISIT(((thread_object *)op)->result);
    return 0;
}

static int
thread_clear(PyObject *op)
{
    Py_CLEAR(((thread_object *)op)->result);
    return 0;
}

static void
thread_dealloc(PyObject *op)
{
    PyTypeObject *type = Py_TYPE(op);

    PyObject_GC_UnTrack(op);
    thread_clear(op);
    host_unref(((thread_object *)op)->host);
    type->tp_free(op);
    Py_DECREF(type);
}

static struct host *
host_of(PyObject *op)
{
    return ((thread_object *)op)->host;
}

struct host *
thread_host(PyObject *op)
{
    return host_of(op);
}

static PyObject *
fail_to_start(core_state *st, struct host *h, int rc)
{
    PyObject *error = errors_class(st, ERROR_ERROR);

    if (rc == CSP_EFULL)
        PyErr_SetString(error, "no process can be started: the system refuses "
                               "another thread");
    else if (rc == CSP_EINVAL)
        PyErr_SetString(error,
                        "no process can be started: the program is exiting");
    else
        PyErr_Format(error,
                     "process '%s' cannot be started: it was before, or was "
                     "stopped",
                     host_name(h));
    return NULL;
}

PyDoc_STRVAR(start_doc,
             "start($self, payload, /)\n--\n\n"
             "Start the thread, which calls intercsp._boot.main(*payload); "
             "returns at once.\n\nEnds of channels in payload are given "
             "away, unless this raises.");

static PyObject *
thread_start(PyObject *op, PyObject *payload)
{
    core_state *st = ((thread_object *)op)->st;
    csp_value setup, v;
    struct gifts gifts;

    if (!PyTuple_Check(payload))
        return PyErr_Format(PyExc_TypeError, "payload must be a tuple");
    if (fork_guard() < 0 || encode_setup(st, &setup) < 0)
        return NULL;
    if (codec_encode(st, payload, &v, &gifts) < 0) {
        csp_value_unref(&setup);
        return NULL;
    }
    int rc = host_start(host_of(op), setup, v);
    gifts_done(&gifts, rc == 0);
    if (rc == 0)
        Py_RETURN_NONE;
    csp_value_unref(&setup);
    csp_value_unref(&v);
    return fail_to_start(st, host_of(op), rc);
}

PyDoc_STRVAR(start_guest_doc,
             "start_guest($self, begin, things, /)\n--\n\n"
             "Call begin(), which makes a thread of this interpreter that "
             "calls run_guest().\n\nThe things, a list, are given to it, "
             "unless this raises.");

static PyObject *
thread_start_guest(PyObject *op, PyObject *const *args, Py_ssize_t nargs)
{
    core_state *st = ((thread_object *)op)->st;
    struct host *h = host_of(op);
    csp_value v;
    struct gifts gifts;

    if (nargs != 2)
        return PyErr_Format(PyExc_TypeError, "start_guest() takes 2 arguments");
    if (codec_encode(st, args[1], &v, &gifts) < 0)
        return NULL;
    int rc = host_start_guest(h, st->record, v);
    if (rc < 0) {
        gifts_done(&gifts, false);
        csp_value_unref(&v);
        return fail_to_start(st, h, rc);
    }
    PyObject *done = PyObject_CallNoArgs(args[0]);
    gifts_done(&gifts, done != NULL);
    if (!done) {
        v = host_unstart_guest(h);
        csp_value_unref(&v);
    }
    return done;
}

static PyObject *
call_guest(core_state *st, struct host *h, PyObject *job)
{
    csp_value payload = host_take_payload(h);
    PyObject *things = codec_decode(st, payload), *result = NULL;

    csp_value_unref(&payload);
    if (things)
        result = PyObject_CallOneArg(job, things);
    Py_XDECREF(things);
    result = returned(st, result);
    return result ? result : crashed();
}

PyDoc_STRVAR(run_guest_doc,
             "run_guest($self, job, /)\n--\n\n"
             "In the thread that start_guest() has made: call job(things) as "
             "the Thread. Its result is what job returned.");

static PyObject *
thread_run_guest(PyObject *op, PyObject *job)
{
    thread_object *self = (thread_object *)op;
    struct host *h = host_of(op);
    PyObject *result = NULL;

    if (host_enter_guest(h) < 0)
        result = crashed();
    else if (!host_is_stopping(h))
        result = call_guest(self->st, h, job);
    PyErr_Clear();
    Py_XSETREF(self->result, result);
    host_leave_guest(h);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(seal_doc, "seal($self, /)\n--\n\n"
                       "Let it never be started, unless it was: whether it "
                       "never will be.");

static PyObject *
thread_seal(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return PyBool_FromLong(host_seal(host_of(op)));
}

PyDoc_STRVAR(join_doc, "join($self, /, timeout=None, shielded=False)\n--\n\n"
                       "Wait until it has ended; TimeoutError on "
                       "expiry.\n\nshielded from deadline(): timeout alone "
                       "counts. Not for one that was not started.");

static PyObject *
thread_join(PyObject *op, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"timeout", "shielded", NULL};
    core_state *st = ((thread_object *)op)->st;
    struct host *h = host_of(op);
    PyObject *timeout = Py_None;
    int shielded = 0;
    int64_t ns;
    csp_value v;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|Op:join", keywords,
                                     &timeout, &shielded) ||
        blocking_parse(timeout, &ns) < 0)
        return NULL;
    if (h == host_current()) {
        PyErr_SetString(errors_class(st, ERROR_ERROR),
                        "a process cannot wait for its own end");
        return NULL;
    }
    if (host_is_new(h))
        Py_RETURN_NONE;
    int rc = csp_rx_try_recv(host_ended(h), &v);
    if (rc == CSP_EEMPTY && ns == 0)
        rc = CSP_ETIMEOUT;
    else if (rc == CSP_EEMPTY)
        rc = blocking_run(st, blocking_recv, host_ended(h), &v,
                          shielded ? blocking_after(ns)
                                   : blocking_deadline(st, ns));
    if (rc == CSP_ECLOSED) {
        host_reap(h);
        Py_RETURN_NONE;
    }
    if (rc == CSP_ETIMEOUT)
        PyErr_Format(PyExc_TimeoutError, "process '%s' has not ended in time",
                     host_name(h));
    else if (rc != CSP_EINTERRUPTED)
        errors_raise(st, rc, host_name(h));
    return NULL;
}

PyDoc_STRVAR(result_doc,
             "result($self, /)\n--\n\n"
             "What main() returned; None if it was stopped before it began. "
             "Error: it has not ended.\n\nOne Thread object of a thread gets "
             "it, and keeps it.");

/* An interrupt may come anywhere in the caller: so the result is kept here
 * before it is taken from the host. */
static PyObject *
thread_result(PyObject *op, PyObject *Py_UNUSED(unused))
{
    thread_object *self = (thread_object *)op;

    if (self->result)
        return Py_NewRef(self->result);
    if (!csp_rx_is_finished(host_ended(self->host)))
        return PyErr_Format(errors_class(self->st, ERROR_ERROR),
                            "process '%s' has not ended",
                            host_name(self->host));
    PyObject *result = codec_decode_taken(self->st, host_result(self->host));
    if (!result)
        return NULL;
    if (self->result) { /* another thread has asked meanwhile */
        Py_DECREF(result);
        return Py_NewRef(self->result);
    }
    self->result = Py_NewRef(result);
    host_drop_result(self->host);
    return result;
}

PyDoc_STRVAR(stop_doc, "stop($self, /)\n--\n\n"
                       "Let its waits raise Cancelled from now on; returns at "
                       "once.");

static PyObject *
thread_stop(PyObject *op, PyObject *Py_UNUSED(unused))
{
    host_stop(host_of(op));
    Py_RETURN_NONE;
}

PyDoc_STRVAR(interrupt_doc,
             "interrupt($self, /)\n--\n\n"
             "Raise Cancelled in the Python code that it runs; returns at "
             "once.\n\nFalse if that could not be asked for: try again.");

static PyObject *
thread_interrupt(PyObject *op, PyObject *Py_UNUSED(unused))
{
    return PyBool_FromLong(host_interrupt(host_of(op)));
}

static bool
is_alive(struct host *h)
{
    return !csp_rx_is_finished(host_ended(h)) && !host_is_new(h);
}

static PyObject *
thread_repr(PyObject *op)
{
    struct host *h = host_of(op);

    return PyUnicode_FromFormat("<intercsp._core.Thread '%s' id=%llu, %s>",
                                host_name(h), (unsigned long long)host_id(h),
                                is_alive(h)      ? "alive"
                                : host_is_new(h) ? "new"
                                                 : "ended");
}

static PyObject *
get_name(PyObject *op, void *Py_UNUSED(unused))
{
    return PyUnicode_FromString(host_name(host_of(op)));
}

static PyObject *
get_id(PyObject *op, void *Py_UNUSED(unused))
{
    return PyLong_FromUnsignedLongLong(host_id(host_of(op)));
}

static PyObject *
get_daemon(PyObject *op, void *Py_UNUSED(unused))
{
    return PyBool_FromLong(host_is_daemon(host_of(op)));
}

static PyObject *
get_alive(PyObject *op, void *Py_UNUSED(unused))
{
    return PyBool_FromLong(is_alive(host_of(op)));
}

static PyObject *
get_is_new(PyObject *op, void *Py_UNUSED(unused))
{
    return PyBool_FromLong(host_is_new(host_of(op)));
}

static PyObject *
get_is_guest(PyObject *op, void *Py_UNUSED(unused))
{
    return PyBool_FromLong(host_is_guest(host_of(op)));
}

static PyObject *
get_stopping(PyObject *op, void *Py_UNUSED(unused))
{
    return PyBool_FromLong(host_is_stopping(host_of(op)));
}

static PyObject *
get_is_child(PyObject *op, void *Py_UNUSED(unused))
{
    int64_t here = PyInterpreterState_GetID(PyInterpreterState_Get());

    return PyBool_FromLong(host_parent(host_of(op)) == here);
}

static PyObject *
get_waiting(PyObject *op, void *Py_UNUSED(unused))
{
    return PyBool_FromLong(host_is_waiting(host_of(op)));
}

static PyGetSetDef thread_getset[] = {
    {"name", get_name, NULL, "Its name.", NULL},
    {"id", get_id, NULL, "Its number, never used twice.", NULL},
    {"daemon", get_daemon, NULL, "Whether an exiting program stops it.", NULL},
    {"alive", get_alive, NULL, "Whether it was started and has not ended.",
     NULL},
    {"is_new", get_is_new, NULL, "Whether it was neither started nor sealed.",
     NULL},
    {"is_guest", get_is_guest, NULL,
     "Whether it is a thread of the interpreter that has made it.", NULL},
    {"stopping", get_stopping, NULL, "Whether it was asked to stop.", NULL},
    {"is_child", get_is_child, NULL, "Whether this interpreter has made it.",
     NULL},
    {"waiting", get_waiting, NULL,
     "Whether its main function waits, without a deadline, in an operation of "
     "intercsp.",
     NULL},
    {0}};

static PyMethodDef thread_methods[] = {
    {"start", thread_start, METH_O, start_doc},
    {"start_guest", (PyCFunction)(void (*)(void))thread_start_guest,
     METH_FASTCALL, start_guest_doc},
    {"run_guest", thread_run_guest, METH_O, run_guest_doc},
    {"seal", thread_seal, METH_NOARGS, seal_doc},
    {"join", (PyCFunction)(void (*)(void))thread_join,
     METH_VARARGS | METH_KEYWORDS, join_doc},
    {"result", thread_result, METH_NOARGS, result_doc},
    {"stop", thread_stop, METH_NOARGS, stop_doc},
    {"interrupt", thread_interrupt, METH_NOARGS, interrupt_doc},
    {0}};

PyDoc_STRVAR(thread_doc,
             "Thread(name, daemon=False)\n--\n\n"
             "An OS thread that owns a new interpreter with its own GIL, once "
             "start() has\nstarted it. So whoever must not lose it can hold it "
             "before it runs.");

static PyType_Slot thread_slots[] = {{Py_tp_new, thread_new},
                                     {Py_tp_dealloc, thread_dealloc},
                                     {Py_tp_traverse, thread_traverse},
                                     {Py_tp_clear, thread_clear},
                                     {Py_tp_repr, thread_repr},
                                     {Py_tp_methods, thread_methods},
                                     {Py_tp_getset, thread_getset},
                                     {Py_tp_doc, (void *)thread_doc},
                                     {0, NULL}};

static PyType_Spec thread_spec = {
    "intercsp._core.Thread", sizeof(thread_object), 0,
    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_IMMUTABLETYPE | Py_TPFLAGS_HAVE_GC,
    thread_slots};

int
thread_exec(PyObject *module, core_state *st)
{
    st->thread_type =
        (PyTypeObject *)PyType_FromModuleAndSpec(module, &thread_spec, NULL);
    return st->thread_type ? PyModule_AddType(module, st->thread_type) : -1;
}

/* ---- functions ---- */

PyDoc_STRVAR(threads_doc, "threads($module, /)\n--\n\n"
                          "A list of Threads that have not ended, of all "
                          "interpreters.");

/* All hosts that have not ended, each with a reference, in memory of its own.
 * Returns: how many; -1 with an exception. */
static Py_ssize_t
all_hosts(struct host ***out)
{
    for (size_t room = 64;;) {
        struct host **found = PyMem_RawMalloc(room * sizeof *found);
        if (!found) {
            PyErr_NoMemory();
            return -1;
        }
        size_t n = host_list(found, room);
        if (n <= room) {
            *out = found;
            return (Py_ssize_t)n;
        }
        for (size_t i = 0; i < room; i++)
            host_unref(found[i]);
        PyMem_RawFree(found);
        room = n * 2; /* there may be more by then */
    }
}

static PyObject *
threads(PyObject *module, PyObject *Py_UNUSED(unused))
{
    core_state *st = core_state_of(module);
    struct host **found = NULL;
    Py_ssize_t n = all_hosts(&found);
    PyObject *list = n < 0 ? NULL : PyList_New(0);

    for (Py_ssize_t i = 0; i < n; i++) {
        bool listed = list && is_alive(found[i]);
        PyObject *t = listed ? thread_object_new(st, found[i]) : NULL;
        if (!listed)
            host_unref(found[i]);
        else if (!t || PyList_Append(list, t) < 0)
            Py_CLEAR(list);
        Py_XDECREF(t);
    }
    PyMem_RawFree(found);
    return list;
}

PyDoc_STRVAR(current_thread_doc,
             "current_thread($module, /)\n--\n\n"
             "The id of the Thread that the caller runs in, or 0.");

static PyObject *
current_thread(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    struct host *h = host_current();

    return PyLong_FromUnsignedLongLong(h ? host_id(h) : 0);
}

PyDoc_STRVAR(
    function_ended_doc,
    "function_ended($module, /)\n--\n\n"
    "From now on interrupt() does nothing to the Thread that the caller "
    "runs in.");

static PyObject *
function_ended(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    host_run_ended();
    Py_RETURN_NONE;
}

PyDoc_STRVAR(close_ends_doc, "close_ends($module, /)\n--\n\n"
                             "Close every end that this interpreter has.");

static PyObject *
close_ends(PyObject *module, PyObject *Py_UNUSED(unused))
{
    record_close_ends(core_state_of(module)->record);
    Py_RETURN_NONE;
}

PyDoc_STRVAR(waits_doc, "waits($module, ident, /)\n--\n\n"
                        "Whether that thread of this interpreter waits, "
                        "without a deadline, in an operation of intercsp.");

static PyObject *
waits(PyObject *module, PyObject *ident)
{
    unsigned long n = PyLong_AsUnsignedLong(ident);

    if (PyErr_Occurred())
        return NULL;
    return PyBool_FromLong(record_is_waiting(core_state_of(module)->record, n));
}

PyDoc_STRVAR(running_doc,
             "running($module, ident, /)\n--\n\n"
             "The code that this thread of this interpreter runs, or None."
             "\n\nsys._current_frames() looks at those of all interpreters, "
             "without their GILs: it crashes.");

static PyObject *
running(PyObject *Py_UNUSED(module), PyObject *ident)
{
    unsigned long n = PyLong_AsUnsignedLong(ident);
    PyThreadState *ts = PyInterpreterState_ThreadHead(PyInterpreterState_Get());

    if (PyErr_Occurred())
        return NULL;
    while (ts && ts->thread_id != n)
        ts = PyThreadState_Next(ts);
    PyFrameObject *frame = ts ? PyThreadState_GetFrame(ts) : NULL;
    if (!frame)
        Py_RETURN_NONE;
    PyCodeObject *code = PyFrame_GetCode(frame);
    Py_DECREF(frame);
    return (PyObject *)code;
}

PyDoc_STRVAR(seconds_doc,
             "seconds($module, timeout, /)\n--\n\n"
             "A timeout as a float, inf for None; ValueError or TypeError as "
             "from every wait.");

static PyObject *
seconds(PyObject *Py_UNUSED(module), PyObject *timeout)
{
    int64_t ns;

    if (blocking_parse(timeout, &ns) < 0)
        return NULL;
    return PyFloat_FromDouble(ns == INT64_MAX ? Py_HUGE_VAL : (double)ns / 1e9);
}

/* ---- the end of the program ---- */

/* Runs in the main interpreter, in its main thread. */
static int
hook_main(void *Py_UNUSED(unused))
{
    PyObject *exit = PyImport_ImportModule("intercsp._exit");
    PyObject *done = exit ? PyObject_CallMethod(exit, "register", NULL) : NULL;

    Py_XDECREF(done);
    Py_XDECREF(exit);
    PyErr_Clear(); /* it does not have the package, or ends already */
    return 0;
}

PyDoc_STRVAR(hook_main_doc,
             "hook_main_interpreter($module, /)\n--\n\n"
             "Let the main interpreter call intercsp._exit.register(), soon.");

static PyObject *
hook_main_interpreter(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    compat_add_pending_call(PyInterpreterState_Main(), hook_main, NULL);
    Py_RETURN_NONE;
}

enum { EX_SOFTWARE = 70, MAX_NAMED = 16 };

static void
flush(const char *stream)
{
    PyObject *file = PySys_GetObject(stream); /* borrowed */
    PyObject *done = file && file != Py_None
                         ? PyObject_CallMethod(file, "flush", NULL)
                         : NULL;

    Py_XDECREF(done);
    PyErr_Clear(); /* closed, a full disk: there is nobody to tell */
}

/* End the program in spite of processes that cannot be stopped. */
static void
give_up(void)
{
    struct host *left[MAX_NAMED];
    size_t n = host_list(left, MAX_NAMED);

    PySys_WriteStderr("intercsp: could not be stopped at exit: ");
    for (size_t i = 0; i < n && i < MAX_NAMED; i++)
        PySys_WriteStderr("%s'%.200s'", i > 0 ? ", " : "", host_name(left[i]));
    if (n > MAX_NAMED)
        PySys_WriteStderr(", and %zu more", n - MAX_NAMED);
    PySys_WriteStderr("; the program ends with status %d\n", EX_SOFTWARE);
    flush("stdout");
    flush("stderr");
    _exit(EX_SOFTWARE);
}

void
thread_end_all(struct record *record)
{
    bool ended;

    record_close_ends(record);
    Py_BEGIN_ALLOW_THREADS ended = host_end_all(EXIT_PATIENCE_NS);
    Py_END_ALLOW_THREADS if (!ended) give_up();
}

PyDoc_STRVAR(
    end_program_doc,
    "end_program($module, /)\n--\n\n"
    "Let no Thread start any more, close every end that this interpreter has, "
    "stop\nall Threads and wait for them; signals do not end that. If none "
    "has ended for\nfive seconds, name them on stderr and end the program "
    "with status 70.");

static PyObject *
end_program(PyObject *module, PyObject *Py_UNUSED(unused))
{
    thread_end_all(core_state_of(module)->record);
    Py_RETURN_NONE;
}

PyMethodDef thread_functions[] = {
    {"threads", threads, METH_NOARGS, threads_doc},
    {"current_thread", current_thread, METH_NOARGS, current_thread_doc},
    {"function_ended", function_ended, METH_NOARGS, function_ended_doc},
    {"waits", waits, METH_O, waits_doc},
    {"running", running, METH_O, running_doc},
    {"seconds", seconds, METH_O, seconds_doc},
    {"hook_main_interpreter", hook_main_interpreter, METH_NOARGS,
     hook_main_doc},
    {"end_program", end_program, METH_NOARGS, end_program_doc},
    {"close_ends", close_ends, METH_NOARGS, close_ends_doc},
    {0}};
