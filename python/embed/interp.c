// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* interp.c: Python interpreters for C programs.
 *
 * Interpreters are processes of the Python package; _embed.py, in the main
 * interpreter, starts and ends them, and is called with its GIL. All else goes
 * through a channel: an interpreter works off requests, each of which has an
 * end for its answer (_embed.py says of what form). So who asks needs no GIL,
 * and an interpreter that has ended, for whatever reason, has closed the other
 * side.
 *
 * Invariants:
 *   I1  Nothing runs in the main interpreter but what is called from here,
 *       and that waits with the GIL released: so the GIL is had quickly.
 *   I2  main_state is the thread state of who started the runtime, who alone
 *       stops it; NULL while there is none.
 * Process-wide state: main_state, was_started, written by that thread. */
#include <Python.h>

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <csp/interp.h>
#include <csp/registry.h>
#include <csp/status.h>
#include <csp/tree.h>

struct csp_interp {
    uint64_t id; /* of its channel, by which _embed.py knows it */
    csp_tx *requests;
};

static PyThreadState *_Atomic main_state; /* I2 */
static pthread_t main_thread;
static atomic_bool was_started;

/* ---- errors ---- */

struct text {
    const char *at;
    size_t size;
};

/* What is in a str, borrowed; nothing if there is none. */
static struct text
text_of(PyObject *str)
{
    Py_ssize_t n;
    const char *utf8 = str ? PyUnicode_AsUTF8AndSize(str, &n) : NULL;

    if (utf8)
        return (struct text){utf8, (size_t)n};
    PyErr_Clear(); /* surrogates, or no memory */
    return (struct text){"", 0};
}

static struct text
text_of_c(const char *text)
{
    return (struct text){text, strlen(text)};
}

static PyObject *
traceback_of(PyObject *error)
{
    PyObject *module = PyImport_ImportModule("traceback");
    PyObject *lines =
        module ? PyObject_CallMethod(module, "format_exception", "O", error)
               : NULL;
    PyObject *empty = PyUnicode_FromString("");
    PyObject *text = lines && empty ? PyUnicode_Join(empty, lines) : NULL;

    Py_XDECREF(empty);
    Py_XDECREF(lines);
    Py_XDECREF(module);
    PyErr_Clear();
    return text;
}

/* A tuple of three str; NONE if there is no memory. */
static csp_value
tuple_of_texts(struct text type, struct text text, struct text traceback)
{
    const struct text texts[] = {type, text, traceback};
    csp_tree_builder b;
    csp_value v = csp_value_none();

    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_TUPLE);
    for (int i = 0; i < 3; i++)
        csp_tree_builder_data(&b, CSP_TREE_STR, texts[i].at, texts[i].size);
    csp_tree_builder_end(&b);
    if (csp_tree_builder_finish(&b, &v) < 0)
        v = csp_value_none();
    csp_tree_builder_fini(&b);
    return v;
}

/* The exception that is set, as a value. Returns: CSP_ERAISED. */
static int
take_error(csp_value *out)
{
    PyObject *error = PyErr_GetRaisedException();
    PyObject *name = error ? PyType_GetName(Py_TYPE(error)) : NULL;
    PyObject *text = error ? PyObject_Str(error) : NULL;
    PyObject *traceback = error ? traceback_of(error) : NULL;

    if (out)
        *out = tuple_of_texts(text_of(name), text_of(text), text_of(traceback));
    Py_XDECREF(traceback);
    Py_XDECREF(text);
    Py_XDECREF(name);
    Py_XDECREF(error);
    PyErr_Clear();
    return CSP_ERAISED;
}

static void
no_error(csp_value *error)
{
    if (error)
        *error = csp_value_none();
}

/* ---- what _embed.py does ---- */

/* Calls @p function of it with the GIL. Returns: 0 and *@p out, an integer;
 * CSP_ERAISED. */
static int
ask_main(const char *function, PyObject *args, long long *out, csp_value *error)
{
    PyObject *module = PyImport_ImportModule("intercsp._embed");
    PyObject *f = module ? PyObject_GetAttrString(module, function) : NULL;
    PyObject *result = f && args ? PyObject_CallObject(f, args) : NULL;

    if (result && result != Py_None)
        *out = PyLong_AsLongLong(result);
    Py_XDECREF(result);
    Py_XDECREF(f);
    Py_XDECREF(module);
    Py_XDECREF(args);
    return PyErr_Occurred() ? take_error(error) : 0;
}

/* The same for one interpreter, from any thread. Also CSP_EINVAL: there is no
 * runtime. */
static int
ask_main_about(const char *function, uint64_t id, long long *out,
               csp_value *error)
{
    if (!main_state)
        return CSP_EINVAL;
    PyGILState_STATE gil = PyGILState_Ensure();
    int rc = ask_main(function, Py_BuildValue("(K)", (unsigned long long)id),
                      out, error);
    PyGILState_Release(gil);
    return rc;
}

static double
seconds_until(csp_time deadline)
{
    csp_time now = csp_clock_now();

    return deadline <= now ? 0.0 : (double)(deadline - now) / 1e9;
}

/* ---- the runtime ---- */

static PyStatus
set_string(PyConfig *config, wchar_t **field, const char *text)
{
    return text ? PyConfig_SetBytesString(config, field, text) : PyStatus_Ok();
}

static PyStatus
configure(PyConfig *config, const csp_interp_runtime_opts *opts)
{
    static char none[] = "";
    static char *const no_args[] = {none};
    char *const *argv =
        opts->argc ? (char *const *)(uintptr_t)opts->argv : no_args;

    config->parse_argv = 0;
    config->install_signal_handlers = !opts->no_signals;
    PyStatus status = set_string(config, &config->home, opts->home);
    if (!PyStatus_Exception(status))
        status = PyConfig_SetBytesArgv(
            config, opts->argc ? (Py_ssize_t)opts->argc : 1, argv);
    return status;
}

static PyStatus
start_python(const csp_interp_runtime_opts *opts)
{
    PyConfig config;

    if (opts->isolated)
        PyConfig_InitIsolatedConfig(&config);
    else
        PyConfig_InitPythonConfig(&config);
    PyStatus status = configure(&config, opts);
    if (!PyStatus_Exception(status))
        status = Py_InitializeFromConfig(&config);
    PyConfig_Clear(&config);
    return status;
}

/* The folders come first in sys.path, which processes start with. */
static int
extend_path(const csp_interp_runtime_opts *opts)
{
    PyObject *path = PySys_GetObject("path"); /* borrowed */
    int rc = path && PyList_Check(path) ? 0 : -1;

    for (size_t i = opts->n_path; rc == 0 && i-- > 0;) {
        PyObject *folder = PyUnicode_DecodeFSDefault(opts->path[i]);
        rc = folder ? PyList_Insert(path, 0, folder) : -1;
        Py_XDECREF(folder);
    }
    return rc;
}

static int
fail_to_start(PyStatus status, csp_value *error)
{
    const char *text = status.err_msg ? status.err_msg : "Python has ended";

    if (error)
        *error = tuple_of_texts(text_of_c("RuntimeError"), text_of_c(text),
                                text_of_c(""));
    return CSP_ERAISED;
}

int
csp_interp_runtime_start(const csp_interp_runtime_opts *opts, csp_value *error)
{
    csp_interp_runtime_opts o = {.size = sizeof o};

    no_error(error);
    if (opts && opts->size != sizeof o)
        return CSP_EINVAL;
    if (opts)
        o = *opts;
    if ((o.n_path && !o.path) || (o.argc && !o.argv) ||
        atomic_exchange(&was_started, true))
        return CSP_EINVAL;
    PyStatus status = start_python(&o);
    if (PyStatus_Exception(status))
        return fail_to_start(status, error);
    PyObject *embed =
        extend_path(&o) == 0 ? PyImport_ImportModule("intercsp._embed") : NULL;
    if (!embed) {
        take_error(error);
        Py_FinalizeEx();
        return CSP_ERAISED;
    }
    Py_DECREF(embed);
    main_thread = pthread_self();
    main_state = PyEval_SaveThread();
    return 0;
}

int
csp_interp_runtime_stop(csp_time deadline)
{
    long long ended = 0;

    if (!main_state || !pthread_equal(main_thread, pthread_self()))
        return CSP_EINVAL;
    PyEval_RestoreThread(main_state);
    int rc = ask_main("end_all", Py_BuildValue("(d)", seconds_until(deadline)),
                      &ended, NULL);
    if (rc < 0 || !ended) {
        main_state = PyEval_SaveThread();
        return rc < 0 ? CSP_EINTERRUPTED : CSP_ESTUCK;
    }
    main_state = NULL;
    Py_FinalizeEx();
    return 0;
}

/* ---- interpreters ---- */

static int
adopt(long long id, csp_interp **out)
{
    csp_interp *interp = calloc(1, sizeof *interp);
    long long unused;
    int rc = interp ? csp_registry_find_tx((uint64_t)id, &interp->requests)
                    : CSP_ENOMEM;

    if (rc < 0) {
        free(interp);
        ask_main_about("stop", (uint64_t)id, &unused, NULL);
        return rc;
    }
    interp->id = (uint64_t)id;
    ask_main_about("adopted", interp->id, &unused, NULL);
    *out = interp;
    return 0;
}

/* Waits until it has begun. Returns: a status. */
static int
await_beginning(csp_interp *interp, csp_time deadline, csp_value *error)
{
    csp_interp_usage usage = {.size = sizeof usage};
    long long unused;
    int rc = csp_interp_measure(interp, &usage, deadline);

    if (rc == CSP_ECLOSED)
        rc = ask_main_about("explain", interp->id, &unused, error);
    return rc;
}

int
csp_interp_new(const csp_interp_opts *opts, csp_interp **out, csp_time deadline,
               csp_value *error)
{
    long long id = 0;
    const char *name = opts ? opts->name : NULL;

    no_error(error);
    if (!main_state || (opts && opts->size != sizeof *opts))
        return CSP_EINVAL;
    PyGILState_STATE gil = PyGILState_Ensure();
    int rc = ask_main("start", Py_BuildValue("(z)", name), &id, error);
    PyGILState_Release(gil);
    if (rc == 0)
        rc = adopt(id, out);
    if (rc == 0 && (rc = await_beginning(*out, deadline, error)) < 0)
        csp_interp_destroy(*out, CSP_NOWAIT, NULL);
    return rc;
}

int
csp_interp_stop(csp_interp *interp)
{
    long long unused;

    if (!interp)
        return CSP_EINVAL;
    return ask_main_about("stop", interp->id, &unused, NULL);
}

int
csp_interp_interrupt(csp_interp *interp)
{
    long long asked = 0;

    if (!interp)
        return CSP_EINVAL;
    int rc = ask_main_about("interrupt", interp->id, &asked, NULL);
    return rc < 0 ? rc : asked ? 0 : CSP_EFULL;
}

static void
forget(csp_interp *interp)
{
    csp_tx_unref(interp->requests);
    free(interp);
}

int
csp_interp_destroy(csp_interp *interp, csp_time deadline,
                   csp_interp_usage *usage)
{
    long long status = 0;

    if (!interp)
        return CSP_EINVAL;
    if (!main_state) { /* it ended with the runtime */
        forget(interp);
        return 0;
    }
    if (usage)
        csp_interp_measure(interp, usage, deadline);
    csp_tx_close(interp->requests);
    PyGILState_STATE gil = PyGILState_Ensure();
    int rc = ask_main("end",
                      Py_BuildValue("(Kd)", (unsigned long long)interp->id,
                                    seconds_until(deadline)),
                      &status, NULL);
    PyGILState_Release(gil);
    if (rc < 0) /* KeyboardInterrupt, as nothing else is raised there */
        return CSP_EINTERRUPTED;
    if (status == 2)
        return CSP_ESTUCK;
    forget(interp);
    return status ? CSP_ETIMEOUT : 0;
}

/* ---- requests ---- */

/* What is asked: at most a text and a value. */
struct request {
    const char *what;
    const char *text;       /* or NULL */
    const csp_value *value; /* or NULL */
};

/* A receive end that has @p v for whoever receives from it: so what cannot be
 * made there of v is an error of this request, and not of all that come. */
static int
wrap(csp_value v, csp_value *out)
{
    csp_tx *tx;
    csp_rx *rx;
    int rc = csp_chan_new(1, NULL, &tx, &rx);

    if (rc < 0)
        return rc;
    csp_tx_try_send(tx, csp_value_ref(v)); /* there is room */
    csp_tx_unref(tx);
    *out = csp_rx_as_value(rx);
    return 0;
}

/* As a value, with @p reply for the answer; the reference to reply passes. */
static int
build(const struct request *r, csp_tx *reply, csp_value *out)
{
    csp_tree_builder b;
    csp_value end = csp_tx_as_value(reply), value = csp_value_none();
    int rc = r->value ? wrap(*r->value, &value) : 0;

    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_TUPLE);
    csp_tree_builder_data(&b, CSP_TREE_STR, r->what, strlen(r->what));
    csp_tree_builder_add(&b, end);
    if (r->text)
        csp_tree_builder_data(&b, CSP_TREE_BYTES, r->text, strlen(r->text));
    if (r->value)
        csp_tree_builder_add(&b, value);
    csp_tree_builder_end(&b);
    if (rc == 0)
        rc = csp_tree_builder_finish(&b, out);
    csp_tree_builder_fini(&b);
    csp_value_unref(&value);
    csp_value_unref(&end);
    return rc;
}

/* Sends a request. Returns: 0 and *@p answer, the caller's; a status. */
static int
ask(csp_interp *interp, const struct request *r, csp_time deadline,
    csp_rx **answer)
{
    csp_tx *reply;
    csp_value v;

    if (!interp)
        return CSP_EINVAL;
    int rc = csp_chan_new(2, NULL, &reply, answer);
    if (rc < 0)
        return rc;
    rc = build(r, reply, &v);
    if (rc == 0) {
        rc = deadline == CSP_NOWAIT
                 ? csp_tx_try_send(interp->requests, v)
                 : csp_tx_send(interp->requests, v, deadline);
        if (rc < 0)
            csp_value_unref(&v);
    }
    if (rc < 0)
        csp_rx_unref(*answer);
    return rc;
}

/* Sends a request and waits. Returns: 0 and *@p out; CSP_ERAISED and *@p out; a
 * status, and NONE. */
static int
ask_and_wait(csp_interp *interp, const struct request *r, csp_time deadline,
             csp_value *out)
{
    csp_rx *answer;
    csp_value good;

    no_error(out);
    int rc = ask(interp, r, deadline, &answer);
    if (rc < 0)
        return rc;
    rc = csp_rx_recv(answer, &good, deadline);
    if (rc == 0)
        rc = csp_rx_recv(answer, out, deadline);
    csp_rx_unref(answer);
    return rc < 0 ? rc : csp_value_as_bool(good) ? 0 : CSP_ERAISED;
}

/* The same where nothing is returned but an error. */
static int
ask_for_nothing(csp_interp *interp, const struct request *r, csp_time deadline,
                csp_value *error)
{
    csp_value v;
    int rc = ask_and_wait(interp, r, deadline, &v);

    if (rc == CSP_ERAISED && error) {
        *error = v;
        return rc;
    }
    no_error(error);
    csp_value_unref(&v);
    return rc;
}

/* Whether @p args can be the arguments of a call. */
static bool
are_args(csp_value args)
{
    csp_tree_cursor c;
    csp_tree_item item;

    if (csp_value_kind(args) == CSP_KIND_NONE)
        return true;
    if (csp_value_kind(args) != CSP_KIND_TREE)
        return false;
    csp_tree_cursor_init(&c, &args);
    return csp_tree_cursor_next(&c, &item) > 0 && item.kind == CSP_KIND_TREE &&
           (item.op == CSP_TREE_TUPLE || item.op == CSP_TREE_LIST);
}

int
csp_interp_bind(csp_interp *interp, const char *name, csp_value v,
                csp_time deadline, csp_value *error)
{
    struct request r = {"bind", name, &v};
    int rc = ask_for_nothing(interp, &r, deadline, error);

    if (rc == 0)
        csp_value_unref(&v);
    return rc;
}

int
csp_interp_load(csp_interp *interp, const char *what, csp_time deadline,
                csp_value *error)
{
    return ask_for_nothing(interp, &(struct request){"load", what, NULL},
                           deadline, error);
}

int
csp_interp_call(csp_interp *interp, const char *function, csp_value args,
                csp_time deadline, csp_value *result)
{
    struct request r = {"call", function, &args};
    csp_value v;

    no_error(result);
    if (!are_args(args))
        return CSP_EINVAL;
    int rc = ask_and_wait(interp, &r, deadline, &v);
    if (rc == 0 || rc == CSP_ERAISED)
        csp_value_unref(&args);
    if (result)
        *result = v;
    else
        csp_value_unref(&v);
    return rc;
}

int
csp_interp_spawn(csp_interp *interp, const char *function, csp_value args,
                 csp_rx **reply)
{
    struct request r = {"call", function, &args};

    if (!are_args(args))
        return CSP_EINVAL;
    int rc = ask(interp, &r, CSP_NOWAIT, reply);
    if (rc == 0)
        csp_value_unref(&args);
    return rc;
}

int
csp_interp_measure(csp_interp *interp, csp_interp_usage *usage,
                   csp_time deadline)
{
    int64_t figures[5];
    csp_interp_usage all = {.size = sizeof all};
    csp_value v;
    csp_tree_cursor c;
    csp_tree_item item;
    size_t n = 0;

    if (usage->size != sizeof all)
        return CSP_EINVAL;
    int rc = ask_and_wait(interp, &(struct request){"measure", NULL, NULL},
                          deadline, &v);
    if (rc == 0) {
        csp_tree_cursor_init(&c, &v);
        csp_tree_cursor_next(&c, &item); /* the tuple */
        while (n < 5 && csp_tree_cursor_next(&c, &item) > 0)
            figures[n++] = csp_value_as_int(item.value);
        all.cpu_ns = figures[0];
        all.objects = (uint64_t)figures[1];
        all.calls = (uint64_t)figures[2];
        all.raised = (uint64_t)figures[3];
        all.threads = (uint64_t)figures[4];
        *usage = all;
    }
    csp_value_unref(&v);
    return rc;
}
