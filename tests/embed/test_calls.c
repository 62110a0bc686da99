// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* A C program calls Python plugins, and they talk through its channels. */
#include <unistd.h>

#include "plugin.h"

static void
calls_return(csp_interp *i)
{
    csp_value result;

    CHECK_EQ(csp_interp_call(i, "greet", tuple(1, str("you")),
                             after_ms(LONG_MS), &result),
             0);
    CHECK(says(result, "'hello you'"));
    CHECK_EQ(csp_interp_call(i, "math.factorial", tuple(1, csp_value_int(5)),
                             after_ms(LONG_MS), &result),
             0);
    CHECK_EQ(csp_value_as_int(result), 120);
    CHECK_EQ(csp_interp_call(i, "os.getcwd", csp_value_none(),
                             after_ms(LONG_MS), &result),
             0);
    CHECK_EQ(csp_value_kind(result), CSP_KIND_STR);
    csp_value_unref(&result);
    CHECK_EQ(
        csp_interp_call(i, "greet", csp_value_int(1), CSP_FOREVER, &result),
        CSP_EINVAL);
}

static void
errors_have_type_text_and_traceback(csp_interp *i)
{
    csp_value error;

    CHECK_EQ(csp_interp_call(i, "fail", tuple(1, str("as asked")),
                             after_ms(LONG_MS), &error),
             CSP_ERAISED);
    csp_value_ref(error);
    CHECK(says(error, "('LookupError', 'as asked', 'Traceback"));
    CHECK(says(error, "greeter.py"));
    CHECK_EQ(csp_interp_call(i, "nothing", csp_value_none(), after_ms(LONG_MS),
                             &error),
             CSP_ERAISED);
    CHECK(says(error, "AttributeError"));
    CHECK_EQ(csp_interp_call(i, "refuse", csp_value_none(), after_ms(LONG_MS),
                             &error),
             CSP_ERAISED);
    CHECK(says(error, "NotShareable"));
    CHECK_EQ(csp_interp_call(i, "leave", tuple(1, csp_value_int(3)),
                             after_ms(LONG_MS), &error),
             CSP_ERAISED);
    CHECK(says(error, "SystemExit"));
    CHECK_EQ(csp_interp_load(i, plugin("broken"), after_ms(LONG_MS), &error),
             CSP_ERAISED);
    CHECK(says(error, "ModuleNotFoundError"));
    CHECK_EQ(csp_interp_load(i, "\xff.py", after_ms(LONG_MS), &error),
             CSP_ERAISED); /* not UTF-8, as names of files may be */
    CHECK(says(error, "FileNotFoundError"));
    CHECK_EQ(csp_interp_load(i, plugin("missing"), after_ms(LONG_MS), &error),
             CSP_ERAISED);
    CHECK(says(error, "FileNotFoundError"));
    calls_return(i); /* what was loaded before still is */
}

/* What cannot be made of an argument is an error of that call alone. */
static void
arguments_that_cannot_be_made_raise(csp_interp *from, csp_interp *to)
{
    csp_value fragile, error;

    for (int n = 0; n < 2; n++) {
        CHECK_EQ(csp_interp_call(from, "fragile", csp_value_none(),
                                 after_ms(LONG_MS), &fragile),
                 0);
        CHECK_EQ(n ? csp_interp_call(to, "greet", tuple(1, fragile),
                                     after_ms(LONG_MS), &error)
                   : csp_interp_bind(to, "greeting", fragile, after_ms(LONG_MS),
                                     &error),
                 CSP_ERAISED);
        CHECK(says(error, "LookupError', 'of the pickle"));
        if (n == 0)
            csp_value_unref(&fragile);
    }
    calls_return(to);
}

static void
variables_are_bound(csp_interp *i)
{
    csp_value result;

    CHECK_EQ(csp_interp_bind(i, "greeting", str("welcome"), after_ms(LONG_MS),
                             &result),
             0);
    CHECK_EQ(csp_interp_call(i, "greet", tuple(1, str("all")),
                             after_ms(LONG_MS), &result),
             0);
    CHECK(says(result, "'welcome all'"));
}

/* A pipeline of two interpreters between two ends of ours. */
static void
values_go_through(csp_interp *first, csp_interp *second)
{
    csp_tx *in, *middle_tx, *out_tx;
    csp_rx *middle_rx, *out, *in_rx, *replies[2];
    csp_value v;
    enum { N = 1000 };

    CHECK_EQ(csp_chan_new(16, NULL, &in, &in_rx), 0);
    CHECK_EQ(csp_chan_new(16, NULL, &middle_tx, &middle_rx), 0);
    CHECK_EQ(csp_chan_new(N, NULL, &out_tx, &out), 0);
    CHECK_EQ(csp_interp_spawn(
                 first, "relay",
                 tuple(2, csp_rx_as_value(in_rx), csp_tx_as_value(middle_tx)),
                 &replies[0]),
             0);
    CHECK_EQ(csp_interp_spawn(
                 second, "relay",
                 tuple(2, csp_rx_as_value(middle_rx), csp_tx_as_value(out_tx)),
                 &replies[1]),
             0);
    for (int n = 0; n < N; n++)
        CHECK_EQ(csp_tx_send(in, csp_value_int(n), after_ms(LONG_MS)), 0);
    csp_tx_close(in);
    csp_tx_unref(in);
    for (int n = 0; n < N; n++) {
        CHECK_EQ(csp_rx_recv(out, &v, after_ms(LONG_MS)), 0);
        CHECK_EQ(csp_value_as_int(v), n);
    }
    CHECK_EQ(csp_rx_recv(out, &v, after_ms(LONG_MS)), CSP_ECLOSED);
    csp_rx_unref(out);
    for (int n = 0; n < 2; n++) {
        CHECK_EQ(csp_rx_recv(replies[n], &v, after_ms(LONG_MS)), 0);
        CHECK(csp_value_as_bool(v));
        CHECK_EQ(csp_rx_recv(replies[n], &v, after_ms(LONG_MS)), 0);
        CHECK_EQ(csp_value_as_int(v), N);
        CHECK_EQ(csp_rx_recv(replies[n], &v, after_ms(LONG_MS)), CSP_ECLOSED);
        csp_rx_unref(replies[n]);
    }
}

/* C code sees what a frozen graph is, and passes it on. */
static void
frozen_graphs_pass_through(csp_interp *first, csp_interp *second)
{
    csp_value graph, result;

    CHECK_EQ(csp_interp_call(first, "freeze", tuple(1, csp_value_int(70000)),
                             after_ms(LONG_MS), &graph),
             0);
    CHECK(csp_value_as_handle(graph) != NULL);
    csp_value_ref(graph);
    CHECK(says(graph, "<frozen graph \"4 nodes, "));
    CHECK_EQ(csp_interp_call(second, "thaw", tuple(1, graph), after_ms(LONG_MS),
                             &result),
             0);
    csp_value_ref(result);
    CHECK(says(result, "<frozen graph")); /* a part goes as one, too */
    CHECK_EQ(csp_interp_call(second, "builtins.repr", tuple(1, result),
                             after_ms(LONG_MS), &result),
             0);
    CHECK(says(result, "((70000,), "));
}

static void
write_plugin(const char *path, int answer)
{
    FILE *f = fopen(path, "w");

    CHECK(f != NULL);
    fprintf(f, "def answer():\n    return %d\n", answer);
    CHECK_EQ(fclose(f), 0);
}

static void
changed_files_are_loaded_again(csp_interp *i)
{
    char path[] = "plugin-XXXXXX.py";
    csp_value result;

    int fd = mkstemps(path, 3);
    CHECK(fd >= 0);
    close(fd);
    for (int answer = 10; answer < 13; answer++) {
        write_plugin(path, answer);
        CHECK_EQ(csp_interp_load(i, path, after_ms(LONG_MS), &result), 0);
        CHECK_EQ(csp_interp_call(i, "answer", csp_value_none(),
                                 after_ms(LONG_MS), &result),
                 0);
        CHECK_EQ(csp_value_as_int(result), answer);
    }
    remove(path);
}

static void
usage_is_counted(csp_interp *i)
{
    csp_interp_usage before = {.size = sizeof before}, after = before;
    csp_value result;

    before.size--;
    CHECK_EQ(csp_interp_measure(i, &before, after_ms(LONG_MS)), CSP_EINVAL);
    before.size++;
    CHECK_EQ(csp_interp_measure(i, &before, after_ms(LONG_MS)), 0);
    for (int n = 0; n < 3; n++) {
        csp_interp_call(i, "fail", tuple(1, str("")), after_ms(LONG_MS),
                        &result);
        csp_value_unref(&result);
    }
    CHECK_EQ(csp_interp_measure(i, &after, after_ms(LONG_MS)), 0);
    CHECK_EQ(after.calls - before.calls, 3);
    CHECK_EQ(after.raised - before.raised, 3);
    CHECK(after.cpu_ns > before.cpu_ns);
    CHECK(after.objects > 1000);
    CHECK_EQ(after.threads, 0);
}

static void
usage_is_of_one_interpreter(csp_interp *one, csp_interp *other)
{
    csp_interp_usage usages[2][2];
    csp_interp *interps[2] = {one, other};
    csp_value result;

    for (int when = 0; when < 2; when++) {
        for (int i = 0; i < 2; i++) {
            usages[when][i].size = sizeof usages[when][i];
            CHECK_EQ(csp_interp_measure(interps[i], &usages[when][i],
                                        after_ms(LONG_MS)),
                     0);
        }
        CHECK_EQ(csp_interp_call(one, "keep", tuple(1, csp_value_int(20000)),
                                 after_ms(LONG_MS), &result),
                 0);
    }
    CHECK(usages[1][0].objects > usages[0][0].objects + 10000);
    CHECK(usages[1][1].objects < usages[0][1].objects + 10000);
}

static void *
run(void *unused)
{
    csp_interp *one, *other;
    csp_interp_usage usage = {.size = sizeof usage};
    const csp_interp_runtime_opts no_start = {.size = sizeof no_start + 1};
    const csp_interp_opts no_opts = {.size = 0};
    csp_value error;

    CHECK_EQ(csp_interp_new(NULL, &one, CSP_FOREVER, &error),
             CSP_EINVAL); /* no runtime */
    CHECK_EQ(csp_interp_runtime_stop(CSP_FOREVER), CSP_EINVAL);
    CHECK_EQ(csp_interp_runtime_start(&no_start, &error), CSP_EINVAL);
    CHECK_EQ(csp_interp_runtime_start(NULL, &error), 0);
    CHECK_EQ(csp_interp_new(&no_opts, &one, CSP_FOREVER, &error), CSP_EINVAL);
    CHECK_EQ(csp_interp_runtime_start(NULL, &error), CSP_EINVAL);
    one = loaded("greeter");
    other = loaded("greeter");
    calls_return(one);
    errors_have_type_text_and_traceback(one);
    arguments_that_cannot_be_made_raise(one, other);
    variables_are_bound(one);
    calls_return(other); /* has variables of its own */
    values_go_through(one, other);
    frozen_graphs_pass_through(one, other);
    changed_files_are_loaded_again(one);
    csp_interp_load(one, plugin("greeter"), after_ms(LONG_MS), &error);
    usage_is_counted(one);
    usage_is_of_one_interpreter(one, other);
    CHECK_EQ(csp_interp_destroy(one, after_ms(LONG_MS), &usage), 0);
    CHECK(usage.calls > 10);
    CHECK_EQ(csp_interp_runtime_stop(after_ms(LONG_MS)), 0);
    CHECK_EQ(csp_interp_destroy(other, CSP_FOREVER, NULL), 0);
    return unused;
}

static void
plugins_are_called(void)
{
    in_a_thread(run);
}

int
main(void)
{
    TEST(plugins_are_called);
    return test_end();
}
