// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* thread.c: intercsp._core.Thread, what process.py builds a Process on: an OS
 * thread that owns an interpreter and runs intercsp._boot.main(*payload). */
#include "thread.h"

#include <csp/status.h>

#include "blocking.h"
#include "codec.h"
#include "host.h"
#include "module.h"

typedef struct {
    PyObject_HEAD
    core_state *st;
    struct host *host;
    PyObject *result; /* once it was asked for, or NULL */
} thread_object;

/* ---- in the new interpreter ---- */

/* The error that is set, as the value ('crash', text). */
static csp_value
crash(core_state *st)
{
    PyObject *error = PyErr_GetRaisedException();
    PyObject *text = PyUnicode_FromFormat(
        "%s: %S", error ? Py_TYPE(error)->tp_name : "error",
        error ? error : Py_None);
    PyObject *pair = text ? Py_BuildValue("(sO)", "crash", text) : NULL;
    csp_value v = csp_value_none();
    struct gifts gifts;

    if (!pair || !st || codec_encode(st, pair, &v, &gifts) < 0) {
        const char *s = text ? PyUnicode_AsUTF8(text) : NULL;
        if (!s || csp_value_str(s, strlen(s), &v) < 0)
            v = csp_value_none();
        PyErr_Clear();
    }
    Py_XDECREF(pair);
    Py_XDECREF(text);
    Py_XDECREF(error);
    return v;
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
        result = call_main(st, h);
        if (!result && PyErr_ExceptionMatches(st->errors[ERROR_CANCELLED])) {
            PyErr_Clear(); /* it came when main() had all but returned */
            result = Py_BuildValue("(s)", "stopped");
        }
        if (!result || codec_encode(st, result, &v, &gifts) < 0)
            v = crash(st);
        else
            codec_given(&gifts, true);
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
        codec_given(&gifts, true);
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
fail_to_start(core_state *st, int rc)
{
    if (rc == CSP_EFULL)
        PyErr_SetString(errors_class(st, ERROR_ERROR),
                        "no process can be started: the system refuses "
                        "another thread");
    else if (rc == CSP_EINVAL)
        PyErr_SetString(errors_class(st, ERROR_ERROR),
                        "no process can be started: the program is exiting");
    else
        errors_raise(st, rc, NULL);
    return NULL;
}

static PyObject *
thread_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *keywords[] = {"name", "payload", "daemon", NULL};
    core_state *st = PyType_GetModuleState(type);
    struct host_job job = {.run = run};
    PyObject *payload;
    int is_daemon = 0;
    struct host *h;
    struct gifts gifts;

    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "sO!|p:Thread", keywords,
                                     &job.name, &PyTuple_Type, &payload,
                                     &is_daemon))
        return NULL;
    job.daemon = is_daemon;
    if (encode_setup(st, &job.setup) < 0)
        return NULL;
    if (codec_encode(st, payload, &job.payload, &gifts) < 0) {
        csp_value_unref(&job.setup);
        return NULL;
    }
    int rc = host_start(&job, &h);
    codec_given(&gifts, rc == 0);
    if (rc == 0)
        return thread_object_new(st, h);
    csp_value_unref(&job.setup);
    csp_value_unref(&job.payload);
    return fail_to_start(st, rc);
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

static int
wait_end(void *ended, csp_value *v, csp_time deadline)
{
    return csp_rx_recv(ended, v, deadline);
}

PyDoc_STRVAR(
    join_doc,
    "join($self, /, timeout=None, shielded=False)\n--\n\n"
    "Wait until it has ended and its interpreter is gone; "
    "TimeoutError on expiry.\n\nshielded from deadline(): timeout alone "
    "counts.");

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
    int rc = csp_rx_try_recv(host_ended(h), &v);
    if (rc == CSP_EEMPTY && ns == 0)
        rc = CSP_ETIMEOUT;
    else if (rc == CSP_EEMPTY)
        rc = blocking_run(st, wait_end, host_ended(h), &v,
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
             "What main() returned; None before the end, and if it was stopped "
             "before it began.\n\nOne Thread object of a thread gets it, and "
             "keeps it.");

/* An interrupt may come anywhere in the caller: so the result is kept here
 * before it is taken from the host. */
static PyObject *
thread_result(PyObject *op, PyObject *Py_UNUSED(unused))
{
    thread_object *self = (thread_object *)op;

    if (self->result)
        return Py_NewRef(self->result);
    if (!csp_rx_is_finished(host_ended(self->host)))
        Py_RETURN_NONE;
    csp_value v = host_result(self->host);
    PyObject *result = codec_decode(self->st, v);
    csp_value_unref(&v);
    if (!result)
        return NULL;
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

static PyObject *
thread_repr(PyObject *op)
{
    struct host *h = host_of(op);

    return PyUnicode_FromFormat("<intercsp._core.Thread '%s' id=%llu, %s>",
                                host_name(h), (unsigned long long)host_id(h),
                                csp_rx_is_finished(host_ended(h)) ? "ended"
                                                                  : "alive");
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
    return PyBool_FromLong(!csp_rx_is_finished(host_ended(host_of(op))));
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
    {"alive", get_alive, NULL, "Whether it has not ended yet.", NULL},
    {"waiting", get_waiting, NULL,
     "Whether its main function waits, without a deadline, in an operation of "
     "intercsp.",
     NULL},
    {0}};

static PyMethodDef thread_methods[] = {
    {"join", (PyCFunction)(void (*)(void))thread_join,
     METH_VARARGS | METH_KEYWORDS, join_doc},
    {"result", thread_result, METH_NOARGS, result_doc},
    {"stop", thread_stop, METH_NOARGS, stop_doc},
    {"interrupt", thread_interrupt, METH_NOARGS, interrupt_doc},
    {0}};

PyDoc_STRVAR(thread_doc,
             "Thread(name, payload, daemon=False)\n--\n\n"
             "An OS thread that owns a new interpreter with its own GIL, and "
             "runs\nintercsp._boot.main(*payload) there. Ends of channels in "
             "payload are given away.");

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
        PyObject *t = list ? thread_object_new(st, found[i]) : NULL;
        if (!list)
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

PyDoc_STRVAR(begin_exit_doc, "begin_exit($module, /)\n--\n\n"
                             "From now on no Thread can be started.");

static PyObject *
begin_exit(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(unused))
{
    host_shut();
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

PyMethodDef thread_functions[] = {
    {"threads", threads, METH_NOARGS, threads_doc},
    {"current_thread", current_thread, METH_NOARGS, current_thread_doc},
    {"function_ended", function_ended, METH_NOARGS, function_ended_doc},
    {"begin_exit", begin_exit, METH_NOARGS, begin_exit_doc},
    {"close_ends", close_ends, METH_NOARGS, close_ends_doc},
    {0}};
