// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* plugin_host.c: a C program with Python plugins, good ones and bad ones.
 *
 * Each plugin has an interpreter of its own. Its function run(events, results)
 * receives events from one channel and sends what it makes of them to another.
 * Then a plugin is changed while the program runs.
 *
 *     cc plugin_host.c $(pkg-config --cflags --libs intercsp-embed-3.14) */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <csp/interp.h>
#include <csp/status.h>
#include <csp/tree.h>

#define SECOND INT64_C(1000000000)
enum { EVENTS = 5 };

/* What became of a plugin. */
enum fate { WELL, NOT_LOADED, RAISED, BLOCKED, LOOPED, STUCK };

static const char *const fates[] = {
    [WELL] = "did well",          [NOT_LOADED] = "cannot be imported",
    [RAISED] = "raised",          [BLOCKED] = "waited for ever: stopped",
    [LOOPED] = "looped: stopped", [STUCK] = "cannot be stopped",
};

struct plugin {
    const char *name;
    enum fate expected, fate; /* expected, as this is a test, too */
    csp_interp *interp;       /* NULL, if there is none */
    csp_tx *events;
    csp_rx *reply; /* to the call of run() */
};

static void
must(const char *what, int status)
{
    if (status < 0) {
        fprintf(stderr, "plugin_host: %s: %s\n", what, csp_status_text(status));
        exit(EXIT_FAILURE);
    }
}

/* What Python raised: a tuple of three str, of which this prints two. */
static void
print_error(const char *name, csp_value error)
{
    csp_tree_cursor cursor;
    csp_tree_item item;

    printf("%-8s", name);
    csp_tree_cursor_init(&cursor, &error);
    csp_tree_cursor_next(&cursor, &item); /* the tuple itself */
    for (int i = 0; i < 2 && csp_tree_cursor_next(&cursor, &item) > 0; i++)
        printf(" %.*s%s", (int)item.size, item.data, i == 0 ? ":" : "\n");
}

/* The arguments of run(): the two ends, which are given to the plugin. */
static csp_value
pair(csp_rx *events, csp_tx *results)
{
    csp_value first = csp_rx_as_value(events), args;
    csp_value second = csp_tx_as_value(results);
    csp_tree_builder b;

    csp_tree_builder_init(&b);
    csp_tree_builder_begin(&b, CSP_TREE_TUPLE);
    csp_tree_builder_add(&b, first);
    csp_tree_builder_add(&b, second);
    csp_tree_builder_end(&b);
    must("arguments", csp_tree_builder_finish(&b, &args));
    csp_tree_builder_fini(&b);
    csp_value_unref(&first);
    csp_value_unref(&second);
    return args;
}

/* Load the plugin and call its run(); do not wait for that. */
static void
start(struct plugin *p, const char *folder, csp_tx *results)
{
    csp_interp_opts opts = {.size = sizeof opts, .name = p->name};
    char path[4096];
    csp_value error;
    csp_rx *events;
    csp_tx *clone;

    snprintf(path, sizeof path, "%s/%s.py", folder, p->name);
    must(p->name, csp_interp_new(&opts, &p->interp, CSP_FOREVER, &error));
    if (csp_interp_load(p->interp, path, CSP_FOREVER, &error) < 0) {
        p->fate = NOT_LOADED;
        print_error(p->name, error);
        csp_value_unref(&error);
        return;
    }
    must("channel", csp_chan_new(EVENTS, NULL, &p->events, &events));
    must("channel", csp_tx_clone(results, &clone));
    must(p->name,
         csp_interp_spawn(p->interp, "run", pair(events, clone), &p->reply));
}

/* Send events to the plugin, without waiting: it may have ended, or be slow. */
static void
feed(struct plugin *p)
{
    if (!p->events) /* it was not loaded */
        return;
    for (int event = 1; event <= EVENTS; event++)
        if (csp_tx_try_send(p->events, csp_value_int(event)) < 0)
            break;
    csp_tx_unref(p->events); /* the only send end: the plugin's loop ends */
}

/* Wait for the answer of run(), and say what it was. CSP_ECLOSED: none. */
static int
answer(struct plugin *p, csp_time deadline)
{
    csp_value good, result;
    int rc = csp_rx_recv(p->reply, &good, deadline);

    if (rc == 0) {
        must(p->name, csp_rx_recv(p->reply, &result, CSP_FOREVER));
        p->fate = csp_value_as_bool(good) ? WELL : RAISED;
        if (p->fate == RAISED)
            print_error(p->name, result);
        csp_value_unref(&result);
    }
    return rc;
}

/* See what has become of the plugin; use force where it needs that. */
static void
finish(struct plugin *p, csp_time deadline)
{
    if (!p->reply) /* it was not loaded */
        return;
    if (answer(p, deadline) == CSP_ETIMEOUT) {
        csp_interp_stop(p->interp); /* ends its waits */
        p->fate = BLOCKED;
        if (answer(p, csp_clock_after(2 * SECOND)) == CSP_ETIMEOUT) {
            csp_interp_interrupt(p->interp); /* ends its loops */
            p->fate = LOOPED;
        }
    }
    csp_rx_unref(p->reply);
}

/* Unload it, and print what it has used, unless it was stopped. */
static void
unload(struct plugin *p)
{
    csp_interp_usage usage = {.size = sizeof usage};

    if (csp_interp_destroy(p->interp, csp_clock_after(5 * SECOND), &usage) ==
        CSP_ESTUCK)
        p->fate = STUCK;
    printf("%-8s %-26s", p->name, fates[p->fate]);
    if (usage.calls)
        printf("%6.1f ms, %" PRIu64 " objects", (double)usage.cpu_ns / 1e6,
               usage.objects);
    printf("\n");
}

/* Print what the plugins have sent; that ends, as they have ended. Returns how
 * many values there were. */
static int
print_results(csp_rx *results)
{
    char text[200];
    csp_value v;
    int n = 0;

    for (; csp_rx_recv(results, &v, CSP_FOREVER) == 0; n++) {
        csp_value_print(v, text, sizeof text);
        csp_value_unref(&v);
        printf("         %s\n", text);
    }
    csp_rx_unref(results);
    return n;
}

/* Load a file, change it, load it again. Returns what it answers then. */
static int64_t
reload(void)
{
    char path[] = "plugin-XXXXXX.py";
    int fd = mkstemps(path, 3);
    csp_value result = csp_value_none(), error;
    csp_interp *interp;

    must("changing", csp_interp_new(NULL, &interp, CSP_FOREVER, &error));
    for (int version = 1; version <= 2; version++) {
        if (ftruncate(fd, 0) < 0 || lseek(fd, 0, SEEK_SET) < 0 ||
            dprintf(fd, "def version():\n    return %d\n", version) < 0)
            break;
        must(path, csp_interp_load(interp, path, CSP_FOREVER, &error));
        must(path, csp_interp_call(interp, "version", csp_value_none(),
                                   CSP_FOREVER, &result));
        printf("%-8s answers %" PRId64 "\n", "changing",
               csp_value_as_int(result));
    }
    close(fd);
    remove(path);
    must(path, csp_interp_destroy(interp, CSP_FOREVER, NULL));
    return csp_value_as_int(result);
}

int
main(int argc, char **argv)
{
    struct plugin plugins[] = {
        {.name = "doubler", .expected = WELL},
        {.name = "summer", .expected = WELL},
        {.name = "raises", .expected = RAISED},
        {.name = "blocks", .expected = BLOCKED},
        {.name = "loops", .expected = LOOPED},
        {.name = "broken", .expected = NOT_LOADED},
    };
    const size_t n = sizeof plugins / sizeof *plugins;
    const csp_interp_runtime_opts opts = {.size = sizeof opts,
                                          .no_signals = true};
    bool as_expected = true;
    csp_value error;
    csp_rx *results;
    csp_tx *tx;

    must("Python", csp_interp_runtime_start(&opts, &error));
    must("channel", csp_chan_new(64, NULL, &tx, &results));
    for (size_t i = 0; i < n; i++)
        start(&plugins[i], argc > 1 ? argv[1] : "plugins", tx);
    csp_tx_unref(tx); /* the plugins have clones of it */
    for (size_t i = 0; i < n; i++)
        feed(&plugins[i]);
    csp_time deadline = csp_clock_after(3 * SECOND); /* for all of them */
    for (size_t i = 0; i < n; i++)
        finish(&plugins[i], deadline);
    for (size_t i = 0; i < n; i++) {
        unload(&plugins[i]);
        as_expected &= plugins[i].fate == plugins[i].expected;
    }
    as_expected &= print_results(results) == EVENTS + 1;
    as_expected &= reload() == 2;
    must("stop", csp_interp_runtime_stop(csp_clock_after(5 * SECOND)));
    return as_expected ? EXIT_SUCCESS : EXIT_FAILURE;
}
