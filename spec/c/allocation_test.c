/* Unit tests of src/core with the n-th allocation failing, n = 0, 1, 2, … until none fails.
 * Link flags (Linux): -Wl,--wrap=malloc,--wrap=realloc,--wrap=calloc,--wrap=free
 * A run in which one failed must say OCT_NO_MEMORY, leave nothing half filled, and leak nothing.
 * Uses: check.h, fixtures.h, keeper_fixture.h, src/core, jansson. Owner: every scenario frees what
 * it makes. Elsewhere than on Linux jansson's allocations alone are made to fail. */
#include "core/json.h"
#include "core/request.h"
#include "core/response.h"

#include "check.h"
#include "fixtures.h"
#include "keeper_fixture.h"

#include <jansson.h>
#include <stdlib.h>

static struct pool {
    long live;    /* blocks that were not freed yet */
    long count;   /* allocations since arm() */
    long fail_at; /* the one that fails, -1 for none */
    bool lasting; /* and all behind it */
    bool failed;
} pool = {.fail_at = -1};

static bool is_refused(void)
{
    long n = pool.count++;
    bool now = pool.fail_at >= 0 && (n == pool.fail_at || (pool.lasting && n > pool.fail_at));
    pool.failed = pool.failed || now;
    return now;
}

static void arm(long fail_at, bool lasting)
{
    pool.count = 0;
    pool.fail_at = fail_at;
    pool.lasting = lasting;
    pool.failed = false;
}

static bool disarm(void)
{
    pool.fail_at = -1;
    return pool.failed;
}

#ifdef __linux__
/* What the core calls as malloc and so on, and what it then really gets; names of the linker. */
void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);
void __wrap_free(void *block);

static void *counted(void *block)
{
    pool.live += block != NULL;
    return block;
}

void *__wrap_malloc(size_t size)
{
    return is_refused() ? NULL : counted(__real_malloc(size));
}

void *__wrap_calloc(size_t count, size_t size)
{
    return is_refused() ? NULL : counted(__real_calloc(count, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (is_refused()) {
        return NULL;
    }
    void *moved = __real_realloc(block, size);
    pool.live += block == NULL && moved != NULL;
    return moved;
}

void __wrap_free(void *block)
{
    pool.live -= block != NULL;
    __real_free(block);
}
#else
#define __real_malloc malloc
#define __real_free free
#endif

/* Jansson's blocks begin behind a mark, so that one handed to free() or the other way round ends
 * the program: a host may have given jansson an allocator of its own. */
enum { MARK_BYTES = 32 };

static void *jansson_malloc(size_t size)
{
    char *block = is_refused() ? NULL : __real_malloc(size + MARK_BYTES);
    if (block == NULL) {
        return NULL;
    }
    memset(block, 'J', MARK_BYTES);
    pool.live++;
    return block + MARK_BYTES;
}

static void jansson_free(void *block)
{
    if (block != NULL) {
        char *start = (char *)block - MARK_BYTES;
        CHECK("a block of jansson's", start[0] == 'J' && start[MARK_BYTES - 1] == 'J');
        pool.live--;
        __real_free(start);
    }
}

/* Runs the scenario until no allocation failed, first with one failure each, then with all from
 * the n-th on. */
static void fail_each(const char *name, enum oct_status (*run)(const void *subject),
                      const void *subject, enum oct_status want)
{
    for (int lasting = 0; lasting < 2; lasting++) {
        bool failed = true;
        for (long n = 0; failed && n < 10000; n++) {
            long live = pool.live;
            arm(n, lasting != 0);
            enum oct_status got = run(subject);
            failed = disarm();
            CHECK_INT(name, got, failed ? OCT_NO_MEMORY : want);
            CHECK_INT(name, pool.live, live);
        }
        CHECK(name, !failed);
    }
}

/* An error that is not to be filled: still as it was. */
static void blank(struct oct_error *error)
{
    memset(error, 'X', sizeof *error);
}

static bool is_blank(const struct oct_error *error)
{
    return error->message[0] == 'X' && error->code[0] == 'X' && error->request_id[0] == 'X';
}

/* ---- base URLs ---- */

static enum oct_status parse_base_url(const void *subject)
{
    struct oct_base_url url = {NULL, 0, false, false};
    struct oct_error error;
    blank(&error);
    enum oct_status status = oct_base_url_parse(oct_text_of(subject), &url, &error);
    CHECK(subject, status == OCT_OK ? url.text != NULL : url.text == NULL);
    CHECK(subject, (status == OCT_FAILED) != is_blank(&error));
    oct_base_url_free(&url);
    return status;
}

static void test_base_urls(void)
{
    char text[1024] = "https://";
    fail_each("short", parse_base_url, "https://locks.example", OCT_OK);
    fail_each("prefix", parse_base_url, "HTTP://[::1]:3000/a/b/c/", OCT_OK);
    fail_each("refused", parse_base_url, "https://user@host", OCT_FAILED);
    memset(text + 8, 'a', 250);
    memset(text + 258, '/', 700);
    memset(text + 900, 'b', 100);
    fail_each("long", parse_base_url, text, OCT_OK);
}

/* ---- requests ---- */

struct building {
    const struct oct_operation *operation;
    bool all;
    struct oct_credentials credentials;
    const char *base;
};

static bool is_empty(const struct oct_request *request)
{
    return request->url == NULL && request->body == NULL && request->credential == NULL &&
           request->echo == NULL && request->secrets == NULL && request->body_len == 0;
}

static enum oct_status build_request(const void *subject)
{
    const struct building *building = subject;
    char text[64];
    snprintf(text, sizeof text, "%s", building->base);
    struct oct_base_url base = {text, strlen(text), text[4] == 's', false};
    struct oct_arguments arguments = sample_arguments(building->operation, building->all);
    struct oct_request request;
    struct oct_error error;
    blank(&error);
    enum oct_status status = oct_request_build(&base, &building->credentials, building->operation,
                                               &arguments, &request, &error);
    CHECK(building->operation->name, (status == OCT_FAILED) != is_blank(&error));
    CHECK(building->operation->name, (status == OCT_OK) != is_empty(&request));
    oct_request_free(&request);
    return status;
}

static void test_requests(void)
{
    for (size_t i = 0; i < oct_operation_count; i++) {
        const struct oct_operation *operation = &oct_operations[i];
        bool open = operation->auth == OCT_AUTH_NONE;
        struct building building = {operation, true, sample_credentials(), "https://h/prefix"};
        fail_each(operation->name, build_request, &building, OCT_OK);
        building.all = false;
        fail_each(operation->name, build_request, &building, OCT_OK);
        building.base = "http://h";
        fail_each(operation->name, build_request, &building, open ? OCT_OK : OCT_FAILED);
        building.credentials.token.len = building.credentials.admin_key.len = 0;
        fail_each(operation->name, build_request, &building, open ? OCT_OK : OCT_FAILED);
    }
}

/* An ACL and texts of the largest size. */
static enum oct_status build_largest(const void *subject)
{
    static char text[1024];
    static struct oct_text items[100];
    static char base_text[] = "https://h";
    const struct oct_base_url base = {base_text, 9, true, false};
    struct oct_credentials credentials = sample_credentials();
    const struct oct_operation *operation = oct_operation_find(subject);
    struct oct_arguments arguments = sample_arguments(operation, true);
    struct oct_request request;
    struct oct_error error;
    memset(text, 'm', sizeof text);
    memcpy(text, "token:", 6);
    for (size_t i = 0; i < COUNT_OF(items); i++) {
        items[i] = (struct oct_text){text, 256};
    }
    arguments.values[2] = value_text(text, sizeof text);
    arguments.values[6] = value_strings(items, COUNT_OF(items));
    enum oct_status status =
        oct_request_build(&base, &credentials, operation, &arguments, &request, &error);
    oct_request_free(&request);
    return status;
}

/* ---- answers ---- */

struct parsing {
    const struct oct_request *request;
    struct oct_response response;
};

static enum oct_status parse_answer(const void *subject)
{
    const struct parsing *parsing = subject;
    struct oct_result result;
    struct oct_error error;
    blank(&error);
    enum oct_status status =
        oct_response_parse(parsing->request, &parsing->response, &result, &error);
    CHECK(parsing->request->operation->name, (status == OCT_FAILED) != is_blank(&error));
    if (status == OCT_NO_MEMORY) {
        CHECK(parsing->request->operation->name, result.root == NULL && result.variant == NULL);
    }
    oct_result_free(&result);
    return status;
}

static void fail_answer(const char *operation, int status, const char *body, enum oct_status want)
{
    struct oct_request request = must_request(operation);
    struct parsing parsing = {&request, fixture_response(status, body)};
    parsing.response.retry_after = oct_text_of("5");
    parsing.response.request_id = oct_text_of("r-1");
    fail_each(operation, parse_answer, &parsing, want);
    oct_request_free(&request);
}

static void test_answers(void)
{
    for (size_t i = 0; i < ANSWER_COUNT; i++) {
        bool success = answers[i].verdict == OCT_VERDICT_SUCCESS;
        fail_answer(answers[i].operation, answers[i].status, answers[i].body,
                    success ? OCT_OK : OCT_FAILED);
    }
}

#define ERROR(code)                                                                                \
    "{\"error\":\"Some error\",\"code\":\"" code "\",\"details\":\"a long text, with \\u00e9, "    \
    "longer than the first buffer of any parser that grows its buffers by and by\","               \
    "\"retry_after_ms\":1234567890123456789,\"request_id\":\"r-2\"}"

static bool takes_anything(enum oct_body body)
{
    return body == OCT_BODY_STREAM || body == OCT_BODY_NULL;
}

static void test_errors(void)
{
    for (size_t i = 0; i < oct_operation_count; i++) {
        const char *name = oct_operations[i].name;
        fail_answer(name, 404, ERROR("not_found"), OCT_FAILED);
        fail_answer(name, 409, ERROR("conflict"), OCT_FAILED);
        fail_answer(name, 500, ERROR("internal_error"), OCT_FAILED);
        fail_answer(name, 404, ERROR("lease_not_current"), OCT_FAILED);
        fail_answer(name, 502, "<html>Bad Gateway</html>", OCT_FAILED);
        fail_answer(name, 200, "[\"something\", {\"else\":1}]",
                    takes_anything(oct_operations[i].variants[0].body) ? OCT_OK : OCT_FAILED);
    }
}

/* Malformed only at its end: until then memory can run out, from there on it is bad text. */
static void test_malformed(void)
{
    fail_answer("health", 200, "{\"status\":\"ok\",\"a\":[1,2,{\"b\":\"c\"}],}", OCT_FAILED);
    fail_answer("health", 200, "{\"status\":\"ok\",\"a\":\"a text of some length\\x\"}",
                OCT_FAILED);
    fail_answer("health", 200, "{\"status\":\"ok\",\"a\":1.5e3,\"a\":2}", OCT_FAILED);
    fail_answer("health", 200, "{\"status\":\"ok\",\"n\":99999999999999999999}", OCT_FAILED);
}

/* ---- JSON with many members, so that every container grows ---- */

static enum oct_status read_json(const void *subject)
{
    json_t *root = NULL;
    enum oct_status status = oct_json_read(oct_text_of(subject), &root);
    CHECK("a root if it is good", (status == OCT_OK) == (root != NULL));
    json_decref(root);
    return status;
}

static void test_growth(void)
{
    char text[2048] = "[{";
    char member[48];
    for (int i = 0; i < 40; i++) {
        snprintf(member, sizeof member, "%s\"key %d\":\"%d\"", i == 0 ? "" : ",", i, i);
        strcat(text, member);
    }
    strcat(text, "}");
    for (int i = 0; i < 40; i++) {
        strcat(text, ",0.25");
    }
    strcat(text, "]");
    fail_each("many members", read_json, text, OCT_OK);
}

/* What is due between two moments, each answered well. */
static void carry_on(struct keeper_world *world, int64_t from_ms, int64_t until_ms)
{
    for (int64_t now_ms = from_ms; now_ms < until_ms; now_ms += 100) {
        struct oct_job *job;
        while ((job = oct_keeper_next(&world->keeper, now_ms)) != NULL) {
            keeper_answer_well(world, job, now_ms + 1);
        }
    }
}

/* A lock from its claim to its end. A step for which there is no memory is taken later, or leaves
 * nothing behind. */
static void live(struct keeper_world *world)
{
    keeper_world_begin(world);
    struct oct_session *session = world->account == NULL ? NULL : keeper_session(world, 0, 60000);
    struct oct_lock *lock = session == NULL ? NULL : keeper_claim(session, "jobs", 0);
    if (lock != NULL) {
        keeper_grant(lock, LEASE_A, 0);
        carry_on(world, 0, 20000);
        CHECK("a renewal is tried again", oct_lock_remaining_ms(lock, 20000) > 0);
        oct_lock_drop(lock, 20000);
    }
    if (session != NULL) {
        oct_session_drop(session, 20100);
        carry_on(world, 20100, 40000);
        CHECK("and so is the end", world->keeper.registry.first == NULL);
    }
    keeper_world_end(world);
}

static void test_keeper(void)
{
    struct keeper_world world;
    bool failed = true;
    for (long n = 0; failed && n < 2000; n++) {
        long before = pool.live;
        arm(n, false);
        live(&world);
        failed = disarm();
        CHECK_INT("a lock's life leaks nothing", pool.live, before);
    }
    CHECK("every allocation was reached", !failed);
}

int main(void)
{
    json_set_alloc_funcs(jansson_malloc, jansson_free);
    test_base_urls();
    test_requests();
    fail_each("largest", build_largest, "acquire_lock", OCT_OK);
    test_answers();
    test_errors();
    test_malformed();
    test_growth();
    test_keeper();
    CHECK_INT("nothing is left", pool.live, 0);
    return check_report();
}
