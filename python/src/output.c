// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* output.c: what processes write to stdout and stderr, one at a time.
 *
 * Process-wide state: a lock per descriptor; nothing is done under it but to
 * write, without a GIL. */
#include <Python.h>

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "module.h"

static pthread_mutex_t output_locks[] = {PTHREAD_MUTEX_INITIALIZER,
                                         PTHREAD_MUTEX_INITIALIZER};

/* Write all of it, in spite of signals, which others handle.
 * Returns: 0, or an error number. */
static int
write_all(int fd, const char *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno != EINTR)
            return errno;
        if (n > 0) {
            data += n;
            size -= (size_t)n;
        }
    }
    return 0;
}

PyDoc_STRVAR(write_out_doc,
             "write_out($module, fd, data, /)\n--\n\n"
             "Write all of data, while nobody else writes to fd by this "
             "function. OSError.");

static PyObject *
write_out(PyObject *Py_UNUSED(module), PyObject *const *args, Py_ssize_t nargs)
{
    char *data;
    Py_ssize_t size;

    if (nargs != 2)
        return PyErr_Format(PyExc_TypeError, "write_out() takes 2 arguments");
    int fd = (int)PyLong_AsLong(args[0]);
    if ((fd == -1 && PyErr_Occurred()) ||
        PyBytes_AsStringAndSize(args[1], &data, &size) < 0)
        return NULL;
    pthread_mutex_t *lock = &output_locks[fd == STDERR_FILENO];
    int error;
    Py_BEGIN_ALLOW_THREADS /* args[1] is the caller's */
        pthread_mutex_lock(lock);
    error = write_all(fd, data, (size_t)size);
    pthread_mutex_unlock(lock);
    Py_END_ALLOW_THREADS if (!error) Py_RETURN_NONE;
    errno = error;
    return PyErr_SetFromErrno(PyExc_OSError);
}

PyMethodDef output_functions[] = {{"write_out",
                                   (PyCFunction)(void (*)(void))write_out,
                                   METH_FASTCALL, write_out_doc},
                                  {0}};
