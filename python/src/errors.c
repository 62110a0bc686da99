// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* errors.c: the exceptions, and the one table from codes to them. */
#include <csp/status.h>

#include "module.h"

enum base { BASE_EXCEPTION, BASE_BASE_EXCEPTION, BASE_ERROR };

struct spec {
    const char *name; /* as users write it */
    const char *doc;
    enum base base;
    const char *module, *also; /* a second base, by module and name */
};

static const struct spec specs[ERROR_COUNT] = {
    [ERROR_ERROR] = {"intercsp.Error", "Base of the errors of intercsp.",
                     BASE_EXCEPTION, NULL, NULL},
    [ERROR_CLOSED] = {"intercsp.Closed",
                      "The other side of the channel is gone (for a receiver: "
                      "and everything was received).",
                      BASE_ERROR, NULL, NULL},
    [ERROR_END_CLOSED] = {"intercsp.EndClosed",
                          "This end was closed here. Not a Closed, so that no "
                          "loop ends on it in silence.",
                          BASE_ERROR, "builtins", "ValueError"},
    [ERROR_MOVED] = {"intercsp.Moved",
                     "This end was given away: use clone() to keep one.",
                     BASE_ERROR, "builtins", "ValueError"},
    [ERROR_POISONED] = {"intercsp.Poisoned",
                        "Somebody poisoned the channel; reason says why.",
                        BASE_ERROR, NULL, NULL},
    [ERROR_EMPTY] = {"intercsp.Empty",
                     "Nothing to receive now; from recv_nowait() only.",
                     BASE_ERROR, "_queue", "Empty"},
    [ERROR_FULL] = {"intercsp.Full",
                    "No room to send now; from send_nowait() only.", BASE_ERROR,
                    "queue", "Full"},
    [ERROR_NOT_SHAREABLE] = {"intercsp.NotShareable",
                             "An object that cannot be sent; path names the "
                             "element, e.g. \"[3]['user']\".",
                             BASE_ERROR, "builtins", "TypeError"},
    [ERROR_REMOTE] = {"intercsp.RemoteError",
                      "An error in another interpreter, with the text of its "
                      "traceback.",
                      BASE_ERROR, NULL, NULL},
    [ERROR_STOP_FAILED] = {"intercsp.StopFailed",
                           "A process that could not be stopped.", BASE_ERROR,
                           NULL, NULL},
    [ERROR_STOPPED] = {"intercsp.Stopped",
                       "The result of a process that was stopped.", BASE_ERROR,
                       NULL, NULL},
    [ERROR_CANCELLED] = {"intercsp.Cancelled",
                         "Raised inside a process that is being stopped; a "
                         "BaseException, so that `except Exception` does not "
                         "swallow it.",
                         BASE_BASE_EXCEPTION, NULL, NULL},
};

/* How a status is raised: text is what follows the channel's name. */
static const struct {
    int status;
    enum error error;
    const char *text;
} table[] = {
    {CSP_ECLOSED, ERROR_CLOSED, "the other side is gone"},
    {CSP_EENDCLOSED, ERROR_END_CLOSED, "this end was closed here"},
    {CSP_EMOVED, ERROR_MOVED,
     "this end was given away with a send or to a process; keep a clone() of "
     "it if you need one yourself"},
    {CSP_EFULL, ERROR_FULL, "no room now"},
    {CSP_EEMPTY, ERROR_EMPTY, "nothing to receive now"},
    {CSP_ECANCELLED, ERROR_CANCELLED, "this process is being stopped"},
    {CSP_EINVAL, ERROR_ERROR, "invalid argument"},
    {CSP_ENOTFOUND, ERROR_ERROR, "there is no such channel"},
    {CSP_EPOISONED, ERROR_POISONED, "the channel was poisoned"},
    {CSP_EFORKED, ERROR_ERROR, "the channel belongs to the parent process"},
    {CSP_ERAISED, ERROR_ERROR, "Python code raised an exception"},
    {CSP_ESTUCK, ERROR_ERROR, "an interpreter cannot be stopped"},
};

static PyObject *
make(core_state *st, const struct spec *spec)
{
    PyObject *bases[2] = {NULL, NULL}, *tuple = NULL, *class = NULL;

    if (spec->base == BASE_ERROR)
        bases[0] = Py_NewRef(st->errors[ERROR_ERROR]);
    else
        bases[0] =
            Py_NewRef(spec->base == BASE_EXCEPTION ? PyExc_Exception
                                                   : PyExc_BaseException);
    if (spec->also) {
        PyObject *m = PyImport_ImportModule(spec->module);
        if (m)
            bases[1] = PyObject_GetAttrString(m, spec->also);
        Py_XDECREF(m);
        if (!bases[1])
            goto out;
    }
    tuple = bases[1] ? PyTuple_Pack(2, bases[0], bases[1])
                     : PyTuple_Pack(1, bases[0]);
    if (tuple)
        class = PyErr_NewExceptionWithDoc(spec->name, spec->doc, tuple, NULL);
out:
    Py_XDECREF(tuple);
    Py_XDECREF(bases[1]);
    Py_DECREF(bases[0]);
    return class;
}

/* ---- Poisoned: its arguments are the reason and the channel's name ---- */

static PyObject *
argument(PyObject *op, Py_ssize_t i)
{
    PyObject *args = ((PyBaseExceptionObject *)op)->args;

    return args && PyTuple_GET_SIZE(args) > i ? PyTuple_GET_ITEM(args, i)
                                              : Py_None;
}

static PyObject *
poisoned_reason(PyObject *op, void *Py_UNUSED(unused))
{
    return Py_NewRef(argument(op, 0));
}

static PyObject *
poisoned_str(PyObject *op)
{
    PyObject *reason = argument(op, 0), *name = argument(op, 1);

    if (name == Py_None)
        return PyObject_Str(reason);
    return reason == Py_None
               ? PyUnicode_FromFormat("channel '%S': poisoned", name)
               : PyUnicode_FromFormat("channel '%S': poisoned: %S", name,
                                      reason);
}

static PyGetSetDef poisoned_getset[] = {
    {"reason", poisoned_reason, NULL, "What poison() was given.", NULL}, {0}};

static PyObject *
make_poisoned(PyObject *module, core_state *st)
{
    const struct spec *spec = &specs[ERROR_POISONED];
    PyType_Slot slots[] = {{Py_tp_str, poisoned_str},
                           {Py_tp_getset, poisoned_getset},
                           {Py_tp_doc, (void *)(uintptr_t)spec->doc},
                           {0, NULL}};
    PyType_Spec type_spec = {.name = spec->name,
                             .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
                             .slots = slots};

    return PyType_FromModuleAndSpec(module, &type_spec,
                                    st->errors[ERROR_ERROR]);
}

void *
errors_poisoned(core_state *st, PyObject *reason, const char *name)
{
    PyObject *error =
        PyObject_CallFunction(st->errors[ERROR_POISONED], "Os", reason, name);

    if (error)
        PyErr_SetObject(st->errors[ERROR_POISONED], error);
    Py_XDECREF(error);
    return NULL;
}

int
errors_exec(PyObject *module, core_state *st)
{
    for (int e = 0; e < ERROR_COUNT; e++) {
        if (e == ERROR_EMPTY || e == ERROR_FULL)
            continue;
        st->errors[e] = e == ERROR_POISONED ? make_poisoned(module, st)
                                            : make(st, &specs[e]);
        if (!st->errors[e])
            return -1;
        const char *name = strchr(specs[e].name, '.') + 1;
        if (PyModule_AddObjectRef(module, name, st->errors[e]) < 0)
            return -1;
    }
    return 0;
}

PyObject *
errors_class(core_state *st, enum error e)
{
    if (st->errors[e])
        return st->errors[e];
    PyObject *class = make(st, &specs[e]);
    if (st->errors[e]) /* another thread was first, while this imported */
        Py_XDECREF(class);
    else
        st->errors[e] = class;
    return st->errors[e];
}

void *
errors_raise(core_state *st, int status, const char *name)
{
    if (status == CSP_ENOMEM)
        return PyErr_NoMemory();
    if (status == CSP_ETIMEOUT) {
        if (name)
            PyErr_Format(PyExc_TimeoutError, "channel '%s': timed out", name);
        else
            PyErr_SetString(PyExc_TimeoutError, "timed out");
        return NULL;
    }
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        if (table[i].status != status)
            continue;
        PyObject *class = errors_class(st, table[i].error);
        if (class && name)
            PyErr_Format(class, "channel '%s': %s", name, table[i].text);
        else if (class)
            PyErr_SetString(class, table[i].text);
        return NULL;
    }
    PyErr_Format(PyExc_SystemError, "intercsp: unexpected status %s",
                 csp_status_name(status));
    return NULL;
}

void *
errors_not_shareable(core_state *st, PyObject *path, PyObject *obj,
                     const char *why)
{
    PyObject *class = errors_class(st, ERROR_NOT_SHAREABLE);
    PyObject *text = PyUnicode_FromFormat(
        "%U%s%s: %s", path, PyUnicode_GET_LENGTH(path) ? ": " : "",
        Py_TYPE(obj)->tp_name, why);
    PyObject *error = text ? PyObject_CallOneArg(class, text) : NULL;

    if (error && PyObject_SetAttrString(error, "path", path) == 0)
        PyErr_SetObject(class, error);
    Py_XDECREF(error);
    Py_XDECREF(text);
    return NULL;
}

void
errors_note(const char *name, PyObject *value)
{
    PyObject *error = PyErr_GetRaisedException();

    if (!value || PyObject_SetAttrString(error, name, value) < 0)
        PyErr_Clear();
    Py_XDECREF(value);
    PyErr_SetRaisedException(error);
}

void
errors_in_value(const char *name)
{
    PyObject *error = PyErr_GetRaisedException();
    PyObject *done = PyObject_CallMethod(
        error, "add_note", "N",
        PyUnicode_FromFormat("channel '%s': while an object was made of what "
                             "was received",
                             name));

    if (!done)
        PyErr_Clear();
    Py_XDECREF(done);
    PyErr_SetRaisedException(error);
}

PyObject *
errors_table(core_state *st)
{
    PyObject *d = PyDict_New();
#define ENTRY(name, code, text) {#name, code},
    static const struct {
        const char *name;
        int code;
    } codes[] = {CSP_STATUS_TABLE(ENTRY)};
#undef ENTRY

    for (size_t i = 0; d && i < sizeof codes / sizeof *codes; i++) {
        PyObject *class = Py_None;
        if (codes[i].code < 0) {
            errors_raise(st, codes[i].code, NULL);
            PyObject *error = PyErr_GetRaisedException();
            if (PyErr_GivenExceptionMatches(error, PyExc_SystemError))
                class = Py_None;
            else
                class = (PyObject *)Py_TYPE(error);
            if (PyDict_SetItemString(d, codes[i].name, class) < 0)
                Py_CLEAR(d);
            Py_DECREF(error);
        }
    }
    return d;
}
