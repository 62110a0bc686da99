// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* objects.c: whatever bytes a value has, intercsp._core makes objects of it
 * safely, or says ValueError.
 *
 * Values come from encoders of this process only, so an input is
 *   a byte: the kind of value, and (bit 7) whether others refer to it, too
 *   the rest: the code of a tree with the handles below, or ('n') without any,
 *   so that nothing lies behind it; or text, bytes, a big integer ('s', 'b',
 *   'i').
 * A pickle is a program, whose bytes are CPython's to check: it may only call
 * what it needs to refer to what is beside it (see BOOT), so that the framing
 * of what is beside it is what is tested.
 *
 * The interpreter's memory comes from malloc (PYTHONMALLOC), so that reads
 * beyond the end of an object are found. */
#include <Python.h>

#include <stdio.h>

#include <csp/chan.h>
#include <csp/registry.h>
#include <csp/tree.h>

#include "codec.h"
#include "lend.h"

PyMODINIT_FUNC PyInit__core(void);
int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { HANDLES = 7, TEXT = 70000 };

#define MUST(condition)                                                        \
    ((condition) ? (void)0                                                     \
                 : (fprintf(stderr, "not so: %s\n", #condition),               \
                    PyErr_Print(), abort()))

static core_state *st;
static PyObject *use;              /* looks at all of an object */
static csp_value handles[HANDLES]; /* made once; each tree has references */
static char text[TEXT];

/* The samples begin with what an encoder makes, and go on as mutations. */
static const char BOOT[] =
    "import builtins, io, os, pickle, sys\n"
    "import intercsp._pickle as ours\n"
    "class Restricted(pickle.Unpickler):\n"
    "    def find_class(self, module, name):\n"
    "        if (module, name) == ('intercsp._pickle', '_part'):\n"
    "            return ours._part\n"
    "        if (module, name) == ('builtins', 'bytearray'):\n"
    "            return bytearray\n"
    "        raise pickle.UnpicklingError(name)\n"
    "class Module:\n"
    "    def __getattr__(self, name):\n"
    "        return getattr(pickle, name)\n"
    "    def loads(self, stream, *, buffers):\n"
    "        return Restricted(io.BytesIO(stream), buffers=buffers).load()\n"
    "ours.pickle = Module()\n"
    "class Apart:\n"
    "    def __init__(self, data): self.data = data\n"
    "    def __reduce_ex__(self, protocol):\n"
    "        return bytearray, (pickle.PickleBuffer(self.data),)\n"
    "def use(obj):\n"
    "    stack, seen = [obj], set()\n"
    "    while stack:\n"
    "        obj = stack.pop()\n"
    "        if id(obj) in seen: continue\n"
    "        seen.add(id(obj))\n"
    "        if type(obj) in (list, tuple, set, frozenset): stack += obj\n"
    "        elif hasattr(obj, 'items'): stack += [*obj.items()]\n"
    "        elif type(obj) is slice: stack += [obj.start, obj.stop, "
    "obj.step]\n"
    "        elif type(obj) is memoryview:\n"
    "            bytes(obj), obj.shape\n"
    "        elif type(obj) in (bytes, bytearray): obj.count(7)\n"
    "        elif type(obj) is str: obj.encode('utf-8', 'surrogatepass')\n"
    "        else: hash(type(obj))\n"
    "part, key, name = [1], (1, ('k', frozenset({2}))), 'a name ' * 20\n"
    "samples = [[None, True, 1, 300, 70000, 2**40, 1.5, 2j, 2**70, 'str'],\n"
    "  ('é' * 300, b'x' * 300, bytearray(9)), [part, part, (part,)],\n"
    "  {key: {key: {key}}, name: [name, name]}, slice(1, [2]), range(9),\n"
    "  [memoryview(bytes(9)), memoryview(bytes(24)).cast('i', [2, 3])],\n"
    "  [Apart(bytes(9)), 1, Apart(bytearray(9))], [[[[[]]]], {}, set(), ()],\n"
    "  {'k': Apart(bytes(100)), 'l': (Apart(b''), [])}]\n"
    "if hasattr(builtins, 'frozendict'):\n"
    "    samples.append({'k': frozendict(a=frozendict())})\n";

/* ---- what is made once ---- */

static void
nothing(void *unused)
{
    (void)unused;
}

static void
make_handles(void)
{
    csp_tx *tx;
    csp_rx *rx;
    static char memory[64];

    memset(text, 'x', sizeof text);
    MUST(csp_chan_new(1, NULL, &tx, &rx) == 0);
    handles[0] = csp_value_handle((csp_handle *)tx);
    handles[1] = csp_value_handle((csp_handle *)rx);
    const struct {
        const char *data;
        size_t size;
        unsigned flags;
    } lent[] = {{text, sizeof text, CSP_VALUE_AS_STR},
                {text, sizeof text, CSP_VALUE_AS_BYTES},
                {memory, sizeof memory, CSP_VALUE_WRITABLE},
                {memory, 24, 0},
                {memory, 0, 0}};
    for (size_t i = 0; i < sizeof lent / sizeof *lent; i++)
        MUST(csp_value_buffer(lent[i].data, lent[i].size, lent[i].flags,
                              nothing, NULL, &handles[2 + i]) == 0);
}

static void
write_sample(const char *folder, char kind, int number, PyObject *sample)
{
    char path[4096];
    struct gifts gifts;
    csp_value v;
    size_t size;

    MUST(codec_encode(st, sample, &v, &gifts) == 0);
    gifts_done(&gifts, true);
    const char *code = csp_value_data(&v, &size);
    snprintf(path, sizeof path, "%s/sample-%c-%d", folder, kind, number);
    FILE *file = fopen(path, "wb");
    MUST(file);
    fputc(kind, file);
    fwrite(code, 1, size, file);
    fclose(file);
    csp_value_unref(&v);
}

static void
write_samples(PyObject *samples)
{
    const char *folder = getenv("FUZZ_SEEDS");

    for (int i = 0; folder && i < (int)PyList_GET_SIZE(samples); i++) {
        write_sample(folder, 'c', i, PyList_GET_ITEM(samples, i));
        write_sample(folder, 'n', i, PyList_GET_ITEM(samples, i));
    }
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
    (void)argc, (void)argv;
    PyImport_AppendInittab("intercsp._core", PyInit__core);
    Py_InitializeEx(0);
    PyObject *core = PyImport_ImportModule("intercsp._core");
    MUST(core);
    st = core_state_of(core);
    PyObject *names = PyDict_New();
    PyDict_SetItemString(names, "__builtins__", PyEval_GetBuiltins());
    MUST(PyRun_String(BOOT, Py_file_input, names, names));
    use = PyDict_GetItemString(names, "use");
    make_handles();
    write_samples(PyDict_GetItemString(names, "samples"));
    return 0;
}

/* ---- an input ---- */

static int
make_tree(const uint8_t *code, size_t size, size_t n_handles, csp_value *out)
{
    csp_handle *references[HANDLES];

    for (size_t i = 0; i < n_handles; i++)
        references[i] = csp_value_as_item(csp_value_ref(handles[i]));
    int rc = csp_tree_new(code, size, references, n_handles, out);
    for (size_t i = 0; rc < 0 && i < n_handles; i++) {
        csp_value v = handles[i];
        csp_value_unref(&v);
    }
    return rc;
}

static int
make_value(int kind, const uint8_t *data, size_t size, csp_value *out)
{
    switch (kind) {
    case 's':
        return csp_value_str((const char *)data, size, out);
    case 'b':
        return csp_value_bytes(data, size, out);
    case 'i':
        return size ? csp_value_bigint(data, size, out) : -1;
    }
    return make_tree(data, size, kind == 'n' ? 0 : HANDLES, out);
}

/* Damage has to be called that, or lack of memory. */
static void
expect_error(void)
{
    MUST(PyErr_Occurred());
    PyErr_Clear();
}

static void
decode(csp_value v)
{
    PyObject *obj = codec_decode(st, v);
    PyObject *used = obj ? PyObject_CallOneArg(use, obj) : NULL;

    if (!used)
        expect_error();
    Py_XDECREF(used);
    Py_XDECREF(obj);
}

static uint64_t
bytes_live(void)
{
    csp_registry_counters c = {.size = sizeof c};

    csp_registry_count(&c);
    return c.bytes;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint64_t before = bytes_live();
    csp_value v;

    if (size < 2 || make_value(data[0] & 0x7f, data + 1, size - 1, &v) < 0)
        return 0;
    if (data[0] & 0x80) {
        csp_value also = csp_value_ref(v);
        decode(also);
        csp_value_unref(&also);
    }
    decode(v);
    csp_value_unref(&v);
    if (bytes_live() > before) {
        PyGC_Collect(); /* something may be in a cycle */
        MUST(bytes_live() <= before);
    }
    return 0;
}
