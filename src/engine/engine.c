#include "engine/engine.h"

#include "core/limits.h"
#include "engine/carrier.h"
#include "engine/pin.h"
#include "transport/clock.h"
#include "transport/token_file.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

/* The wait in libcurl does not count suspend, as the keeper's clock does: it is cut short, so that
 * after a suspend what is due is not late by more than this. */
enum { MAX_WAIT_MS = 5000 };

struct oct_engine {
    pthread_mutex_t mutex; /* around all below but the carrier, which is the thread's own */
    pthread_t thread;
    struct oct_keeper keeper;
    struct oct_carrier *carrier;
    struct oct_port *ports;
    int64_t asleep_until_ms;
    bool stopping;
    bool stopped; /* the thread has been joined */
    int64_t stop_by_ms;
};

/* The engine of this process and how many use it. */
static pthread_mutex_t registry = PTHREAD_MUTEX_INITIALIZER;
static struct oct_engine *current;
static size_t users;

/* ---- the thread ---- */

static void read_token_again(struct oct_account *account)
{
    char token[OCT_MAX_TOKEN_BYTES + 1];
    struct oct_error error;
    if (!account->token_refused || account->token_file == NULL) {
        return;
    }
    account->token_refused = false;
    if (oct_token_file_read(account->token_file, token, sizeof token, &error) == OCT_OK) {
        oct_account_set_token(account, token);
    }
    memset(token, 0, sizeof token);
}

static void complete_job(struct oct_engine *engine, struct oct_job *job,
                         const struct oct_response *response, bool sent)
{
    struct oct_account *account = oct_account_use(job->account);
    oct_keeper_complete(&engine->keeper, job, response, sent, oct_clock_ms());
    read_token_again(account);
    oct_account_let_go(account);
}

static void start_jobs(struct oct_engine *engine)
{
    struct oct_job *job;
    while (oct_carrier_has_room(engine->carrier) &&
           (job = oct_keeper_next(&engine->keeper, oct_clock_ms())) != NULL) {
        if (!oct_carrier_start_job(engine->carrier, job)) {
            complete_job(engine, job, NULL, false);
        }
    }
}

static void start_exchange(struct oct_engine *engine, struct oct_exchange *exchange)
{
    if (!oct_carrier_start_exchange(engine->carrier, exchange)) {
        oct_error_set(&exchange->error, OCT_NETWORK, "out_of_memory", "%s: not enough memory",
                      exchange->request.operation->name);
        oct_error_judge(&exchange->error, exchange->request.operation, false);
        oct_port_complete(exchange->port, exchange);
    }
}

static void start_exchanges(struct oct_engine *engine, struct oct_port *port)
{
    struct oct_exchange *exchange;
    while (oct_carrier_has_room(engine->carrier) &&
           (exchange = oct_port_next(port, false)) != NULL) {
        start_exchange(engine, exchange);
    }
    while (oct_carrier_has_stream_room(engine->carrier) &&
           (exchange = oct_port_next(port, true)) != NULL) {
        start_exchange(engine, exchange);
    }
}

static void cancel_exchanges(struct oct_engine *engine, struct oct_port *port)
{
    struct oct_exchange *exchange;
    while ((exchange = oct_port_next_cancelled(port)) != NULL) {
        oct_carrier_cancel(engine->carrier, exchange);
        oct_port_complete(port, exchange);
    }
}

/* Does what the ports ask for, and frees those that are closed: nothing of them is carried then. */
static void serve_ports(struct oct_engine *engine)
{
    struct oct_port **at = &engine->ports;
    while (*at != NULL) {
        struct oct_port *port = *at;
        cancel_exchanges(engine, port);
        if (port->closed) {
            *at = port->next;
            oct_port_free(port);
        } else {
            start_exchanges(engine, port);
            at = &port->next;
        }
    }
}

static void deliver(struct oct_engine *engine)
{
    struct oct_delivery delivery;
    oct_carrier_read_streams(engine->carrier);
    while (oct_carrier_take(engine->carrier, &delivery)) {
        if (delivery.exchange != NULL) {
            oct_port_complete(delivery.exchange->port, delivery.exchange);
        } else {
            complete_job(engine, delivery.job, delivery.response, delivery.sent);
        }
    }
}

static int wait_ms(const struct oct_engine *engine)
{
    int64_t until_ms = oct_keeper_wake_ms(&engine->keeper);
    int64_t left_ms = until_ms == INT64_MAX ? MAX_WAIT_MS : until_ms - oct_clock_ms();
    if (!oct_carrier_has_room(engine->carrier)) {
        return MAX_WAIT_MS; /* an answer, or its timeout, ends the wait */
    }
    if (left_ms <= 0) {
        return 0;
    }
    return left_ms > MAX_WAIT_MS ? MAX_WAIT_MS : (int)left_ms;
}

static bool is_over(const struct oct_engine *engine)
{
    return engine->stopping &&
           (!oct_keeper_is_busy(&engine->keeper) || oct_clock_ms() >= engine->stop_by_ms);
}

static void *run(void *context)
{
    struct oct_engine *engine = context;

    pthread_mutex_lock(&engine->mutex);
    while (!is_over(engine)) {
        start_jobs(engine);
        serve_ports(engine);
        int wait = wait_ms(engine);
        engine->asleep_until_ms = oct_clock_ms() + wait;
        pthread_mutex_unlock(&engine->mutex);
        oct_carrier_run(engine->carrier, wait);
        pthread_mutex_lock(&engine->mutex);
        deliver(engine);
    }
    pthread_mutex_unlock(&engine->mutex);
    return NULL;
}

/* Signals are the host's: none is delivered to this thread. */
static bool start_thread(struct oct_engine *engine)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    bool started = pthread_create(&engine->thread, NULL, run, engine) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return started;
}

/* ---- its life ---- */

static void free_engine(struct oct_engine *engine)
{
    if (engine->carrier != NULL) {
        oct_carrier_free(engine->carrier);
    }
    while (engine->ports != NULL) {
        struct oct_port *port = engine->ports;
        engine->ports = port->next;
        oct_port_free(port);
    }
    oct_keeper_free(&engine->keeper);
    pthread_mutex_destroy(&engine->mutex);
    free(engine);
}

static struct oct_engine *make_engine(void)
{
    struct oct_engine *engine = calloc(1, sizeof *engine);
    if (engine == NULL) {
        return NULL;
    }
    pthread_mutex_init(&engine->mutex, NULL);
    oct_keeper_init(&engine->keeper, oct_random);
    engine->carrier = oct_carrier_new();
    if (engine->carrier == NULL || !start_thread(engine)) {
        free_engine(engine);
        return NULL;
    }
    return engine;
}

static void stop(struct oct_engine *engine)
{
    if (engine->stopped) {
        return;
    }
    pthread_mutex_lock(&engine->mutex);
    engine->stopping = true;
    engine->stop_by_ms = oct_clock_ms() + OCT_EXIT_BUDGET_MS;
    oct_keeper_shut_down(&engine->keeper, oct_clock_ms());
    pthread_mutex_unlock(&engine->mutex);
    oct_carrier_wake(engine->carrier);
    pthread_join(engine->thread, NULL);
    engine->stopped = true;
}

/* os.exit without closing the state, or an error that ends the host: nobody lets go of the engine.
 */
static void stop_at_exit(void)
{
    pthread_mutex_lock(&registry);
    if (current != NULL) {
        stop(current);
    }
    pthread_mutex_unlock(&registry);
}

/* While a process forks nobody is inside the engine, so that no child inherits a locked mutex. */
static void before_fork(void)
{
    pthread_mutex_lock(&registry);
    if (current != NULL) {
        pthread_mutex_lock(&current->mutex);
    }
}

static void after_fork_in_parent(void)
{
    if (current != NULL) {
        pthread_mutex_unlock(&current->mutex);
    }
    pthread_mutex_unlock(&registry);
}

static void after_fork_in_child(void)
{
    after_fork_in_parent();
    current = NULL;
    users = 0;
}

static bool prepared;

static void prepare_process(void)
{
    prepared = oct_pin_module() && atexit(stop_at_exit) == 0 &&
               pthread_atfork(before_fork, after_fork_in_parent, after_fork_in_child) == 0;
}

struct oct_engine *oct_engine_use(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, prepare_process);
    if (!prepared) {
        return NULL;
    }
    pthread_mutex_lock(&registry);
    if (current == NULL) {
        current = make_engine();
    }
    users += current != NULL;
    struct oct_engine *engine = current;
    pthread_mutex_unlock(&registry);
    return engine;
}

void oct_engine_let_go(struct oct_engine *engine)
{
    pthread_mutex_lock(&registry);
    if (--users == 0) {
        stop(engine);
        free_engine(engine);
        current = NULL;
    }
    pthread_mutex_unlock(&registry);
}

struct oct_keeper *oct_engine_lock(struct oct_engine *engine)
{
    pthread_mutex_lock(&engine->mutex);
    return &engine->keeper;
}

void oct_engine_unlock(struct oct_engine *engine)
{
    bool earlier = oct_keeper_wake_ms(&engine->keeper) < engine->asleep_until_ms;
    pthread_mutex_unlock(&engine->mutex);
    if (earlier) {
        oct_carrier_wake(engine->carrier);
    }
}

void oct_engine_wake(struct oct_engine *engine)
{
    oct_carrier_wake(engine->carrier);
}

/* ---- ports ---- */

struct oct_port *oct_engine_open_port(struct oct_engine *engine,
                                      const struct oct_transport_options *options)
{
    struct oct_port *port = oct_port_new(options);
    if (port != NULL) {
        oct_engine_lock(engine);
        port->next = engine->ports;
        engine->ports = port;
        oct_engine_unlock(engine);
    }
    return port;
}

void oct_engine_close_port(struct oct_engine *engine, struct oct_port *port)
{
    oct_engine_lock(engine);
    oct_port_close(port);
    oct_engine_unlock(engine);
    oct_engine_wake(engine);
}
