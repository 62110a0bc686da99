// SPDX-License-Identifier: MIT
// SPDX-FileCopyrightText: The intercsp developers
/* pingpong.c: two threads, a channel each way, and how long a round trip takes.
 *
 *     cc pingpong.c $(pkg-config --cflags --libs intercsp) -o pingpong */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <csp/chan.h>

struct player {
    csp_rx *in;
    csp_tx *out;
};

/* Sends back what it gets, until nothing more can come. */
static void *
pong(void *arg)
{
    struct player *p = arg;
    csp_value v;
    int rc;

    while ((rc = csp_rx_recv(p->in, &v, CSP_FOREVER)) == 0)
        if ((rc = csp_tx_send(p->out, v, CSP_FOREVER)) < 0)
            break;
    if (rc != CSP_ECLOSED)
        fprintf(stderr, "pong: %s\n", csp_status_text(rc));
    csp_tx_unref(p->out); /* the last send end: the channel is closed */
    csp_rx_unref(p->in);
    return NULL;
}

/* Sends the numbers below n and waits for each. Returns how many came back. */
static long
ping(struct player *p, long n)
{
    csp_value v;
    long i;
    int rc = 0;

    for (i = 0; i < n; i++)
        if ((rc = csp_tx_send(p->out, csp_value_int(i), CSP_FOREVER)) < 0 ||
            (rc = csp_rx_recv(p->in, &v, CSP_FOREVER)) < 0 ||
            csp_value_as_int(v) != i)
            break;
    if (i < n)
        fprintf(stderr, "ping: %s\n", rc ? csp_status_text(rc) : "wrong value");
    csp_tx_unref(p->out);
    csp_rx_unref(p->in);
    return i;
}

static int
usage(FILE *where)
{
    fputs("usage: pingpong [ROUND_TRIPS]\n"
          "Two threads pass numbers to and fro; prints how long that takes.\n",
          where);
    return where == stdout ? EXIT_SUCCESS : 2;
}

int
main(int argc, char **argv)
{
    struct player here, there;
    char *end = "";
    long n = argc > 1 ? strtol(argv[1], &end, 10) : 1000000;
    pthread_t thread;
    int rc;

    if (argc == 2 && strcmp(argv[1], "--help") == 0)
        return usage(stdout);
    if (argc > 2 || *end || n < 1)
        return usage(stderr);
    if ((rc = csp_chan_new(1, NULL, &here.out, &there.in)) < 0 ||
        (rc = csp_chan_new(1, NULL, &there.out, &here.in)) < 0) {
        fprintf(stderr, "pingpong: %s\n", csp_status_text(rc));
        return EXIT_FAILURE;
    }
    if (pthread_create(&thread, NULL, pong, &there) != 0) {
        fputs("pingpong: no thread\n", stderr);
        return EXIT_FAILURE;
    }
    csp_time start = csp_clock_now();
    long done = ping(&here, n);
    csp_time took = csp_clock_now() - start;
    pthread_join(thread, NULL);
    printf("%ld round trips, %.0f ns each\n", done, (double)took / (double)n);
    return done == n ? EXIT_SUCCESS : EXIT_FAILURE;
}
