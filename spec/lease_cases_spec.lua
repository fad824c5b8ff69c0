-- Lost, late, mismatched and malformed answers to what a lock sends, case by case: the state of the lock, of the
-- error and of the server afterwards. Uses: spec.support.expect; spec.support.lease_case, which has the fields.
-- Owner: nothing; all on virtual time.

local expect = require "spec.support.expect"
local lease_case = require "spec.support.lease_case"
local octostore = require "octostore"

local ACQUIRE, RENEW, RELEASE = "POST /locks/jobs/acquire", "POST /locks/jobs/renew", "POST /locks/jobs/release"
local KEEPALIVE = "keep_session_alive"

local AT_ONCE, SOON = { 0, 0 }, { 0, 2 }
local UNKNOWN = { outcome = "unknown" }
local TIMEOUT = { kind = "timeout", outcome = "unknown" }
local GARBLED = { kind = "protocol", outcome = "unknown", retryable = false }

---Replaces text in the answer's body.
local function edit(pattern, replacement)
  return function(answer)
    local body, count = answer.body:gsub(pattern, replacement)
    assert(count > 0, "the answer has nothing to edit: " .. answer.body)
    answer.body = body
  end
end

local function define(words, run, cases)
  describe(words, function()
    for _, case in ipairs(cases) do
      it(case[1], function()
        run(case)
      end)
    end
  end)
end

local function remaining(seconds)
  return function(_, lock)
    assert.are.equal(seconds, lock:remaining())
  end
end

define("an acquire", lease_case.acquiring, {
  { "whose answer is lost gets the same lease by its repeat", function(faults)
    faults:on(ACQUIRE):drop_answer()
  end, lock = "held", also = function(_, lock)
    assert.are.equal(2, lock.fencing_token)
  end },
  { "whose every answer is lost: nobody wants the orphan any more, and it is released", function(faults)
    faults:on(ACQUIRE):times(4):drop_answer()
  end, err = UNKNOWN, free = SOON },
  { "whose request is lost is repeated", function(faults)
    faults:on(ACQUIRE):drop_request()
  end, lock = "held" },
  { "that is reset after it took effect is repeated", function(faults)
    faults:on(ACQUIRE):commit():reset()
  end, lock = "held" },
  { "that finds no server leaves nothing", function(faults)
    faults:on(ACQUIRE):times(4):refuse()
  end, err = { kind = "network", outcome = "none" }, free = AT_ONCE },
  { "that stalls after it took effect: the orphan is released", function(faults)
    faults:on(ACQUIRE):stall_answer()
  end, options = { timeout = 5 }, err = TIMEOUT, free = SOON },
  { "that stalls before it took effect leaves nothing", function(faults)
    faults:on(ACQUIRE):stall_request()
  end, options = { timeout = 5 }, err = TIMEOUT, free = SOON },
  { "that is cancelled on the way: the orphan is released", function(faults, world)
    local cancel = octostore.cancellation()
    faults:on(ACQUIRE):stall_answer()
    world.clock:at(world.start + 3, function() cancel:cancel() end)
    return { cancel = cancel }
  end, err = { kind = "cancelled", outcome = "unknown" }, free = SOON, also = function(world)
    assert.are.equal(3, world:elapsed())
  end },
  { "answered late grants what is left", function(faults)
    faults:on(ACQUIRE):delay_answer(3)
  end, lock = "held", also = remaining(5) },
  { "answered after its authority would have ended grants nothing, and is released", function(faults)
    faults:on(ACQUIRE):delay_answer(8.5)
  end, err = { kind = "timeout", code = "too_slow" }, free = SOON },
  { "that lands when its caller has given up is an orphan for its TTL at most", function(faults)
    faults:on(ACQUIRE):delay_request(7)
  end, options = { timeout = 5 }, err = TIMEOUT, after = 3, free = { 0, 9.25 } },
  { "delivered twice at once is one lease", function(faults)
    faults:on(ACQUIRE):duplicate()
  end, lock = "held" },
  { "whose copy lands while the lock is held changes nothing", function(faults)
    faults:on(ACQUIRE):duplicate_later(2)
  end, after = 3, lock = "held" },
  { "whose copy lands after the release is an orphan for its TTL", function(faults, world)
    faults:on(ACQUIRE):duplicate_later(5)
    world.clock:at(world.start + 4, function() assert(world.lock:release()) end)
  end, after = 6, lock = "released", free = { 8.5, 9.5 } },
  { "whose copy lands after the release: the orphan of a long TTL lives for 60 s", function(faults, world)
    faults:on(ACQUIRE):duplicate_later(5)
    world.clock:at(world.start + 4, function() assert(world.lock:release()) end)
  end, ttl = 3600, after = 6, lock = "released", free = { 58.5, 59.5 } },
  { "whose copy lands after the release: the same client may have the orphan", function(faults, world)
    faults:on(ACQUIRE):duplicate_later(5)
    world.clock:at(world.start + 4, function() assert(world.lock:release()) end)
  end, after = 6, lock = "released", free = AT_ONCE, also = function(world, lock)
    local again = assert(world.client:lock("jobs", { ttl = 10 }))
    assert.is_true(again:held())
    assert.are_not.equal(lock.lease_id, again.lease_id)
    assert.is_true(again.fencing_token > lock.fencing_token)
    assert(again:release())
  end },
  { "met by a burst of 503 is repeated", function(faults)
    faults:on(ACQUIRE):times(3):status(503)
  end, lock = "held" },
  { "met by a longer burst of 503 fails", function(faults)
    faults:on(ACQUIRE):times(4):status(503)
  end, err = { kind = "server", outcome = "unknown" }, free = SOON },
  { "that took effect behind a burst of 502: the orphan is released", function(faults)
    faults:on(ACQUIRE):times(4):commit():status(502, { bare = true })
  end, err = UNKNOWN, free = SOON },
  { "met by a rate limit waits for its hint", function(faults)
    faults:on(ACQUIRE):status(429, { retry_after = 2 })
  end, lock = "held", also = function(world)
    assert.is_true(world:elapsed() >= 2)
  end },
  { "met by a rate limit with a long hint fails at once", function(faults)
    faults:on(ACQUIRE):status(429, { retry_after = 40 })
  end, err = { kind = "rate_limited", outcome = "none", retry_after = 40 }, free = AT_ONCE },
  { "answered by a proxy's page is of unknown outcome", function(faults)
    faults:on(ACQUIRE):html()
  end, err = GARBLED, free = SOON },
  { "answered by a proxy's 404 does not end the session", function(faults)
    faults:on(ACQUIRE):html(404)
  end, err = GARBLED, free = SOON },
  { "with a truncated answer: the orphan is released", function(faults)
    faults:on(ACQUIRE):garbage()
  end, err = GARBLED, free = SOON },
  { "with an empty answer: the orphan is released", function(faults)
    faults:on(ACQUIRE):garbage("")
  end, err = GARBLED, free = SOON },
  { "answered without a fencing token: the orphan is released", function(faults)
    faults:on(ACQUIRE):edit_answer(edit('"fencing_token":%d+,', ""))
  end, err = GARBLED, free = SOON },
  { "answered without a lease id: the orphan is released", function(faults)
    faults:on(ACQUIRE):edit_answer(edit('"lease_id"', '"lease"'))
  end, err = GARBLED, free = SOON },
  { "answered with a fencing token over INT64_MAX: the orphan is released", function(faults)
    faults:on(ACQUIRE):edit_answer(edit('("fencing_token":)%d+', "%19223372036854775808"))
  end, err = GARBLED, free = SOON },
  { "answered with a status that there is not: the orphan is released", function(faults)
    faults:on(ACQUIRE):edit_answer(edit('"acquired"', '"perhaps"'))
  end, err = GARBLED, free = SOON },
  { "answered with an earlier lease is refused, and ends by itself", function(faults, world)
    local earlier = assert(world.client:lock("jobs", { ttl = 10 }))
    assert(earlier:release())
    faults:on(ACQUIRE):edit_answer(edit('("lease_id":")[^"]*', "%1" .. earlier.lease_id))
  end, err = { kind = "timeout", code = "too_slow" }, free = { 9.5, 10.5 } },
  { "answered with another lease is found out by the first renewal", function(faults)
    faults:on(ACQUIRE):other_id()
  end, after = 8, lock = "lost", free = { 1.5, 2.5 } },
  { "whose orphan cannot be released keeps the name from this process as well", function(faults)
    faults:on(ACQUIRE):stall_answer()
    faults:on(RELEASE):every():drop_request()
  end, options = { timeout = 5 }, err = TIMEOUT, after = 1, free = { 3.5, 4.5 }, also = function(world)
    expect.failure({ kind = "lock_held", code = "held_in_process" }, world.client:lock("jobs", { ttl = 10 }))
  end },
  { "refused for its token leaves nothing", function(faults)
    faults:on(ACQUIRE):status(401)
  end, err = { kind = "authentication", outcome = "none" }, free = AT_ONCE },
  { "refused since the session is gone says so", function(faults)
    faults:on(ACQUIRE):status(410)
  end, err = { kind = "session_expired" }, neighbour = "session", free = AT_ONCE },
  { "that waits goes on in a new session after a restart without state", function(faults)
    faults:on(ACQUIRE):restart("leases")
  end, options = { wait = 5 }, lock = "held", neighbour = "session" },
  { "after the server's clock stepped ahead by an hour finds its session expired", function(faults)
    faults:on(ACQUIRE):clock_step(3600)
  end, err = { kind = "session_expired" }, neighbour = "session", free = AT_ONCE },
})

define("a renewal", lease_case.holding, {
  { "whose answer is lost is repeated", function(faults)
    faults:on(RENEW):drop_answer()
  end, after = 30, lock = "held" },
  { "that stalls leaves time for another", function(faults)
    faults:on(RENEW):stall_answer()
  end, after = 30, lock = "held" },
  { "of which no request arrives: uncertain at the deadline, and released", function(faults)
    faults:on(RENEW):every():drop_request()
  end, after = 8.1, lock = "uncertain", free = SOON, met = 20 },
  { "of which no answer arrives: uncertain at the deadline, and released", function(faults)
    faults:on(RENEW):every():drop_answer()
  end, after = 8.1, lock = "uncertain", free = SOON, met = 20 },
  { "of which no answer arrives, nor does a release: the last one's TTL", function(faults)
    faults:on(RENEW):every():drop_answer()
    faults:on(RELEASE):every():drop_request()
  end, after = 8.1, lock = "uncertain", free = { 5, 10 } },
  { "refused with 404 for the lease ends that lock only", function(faults)
    faults:on(RENEW):status(404, { code = "lease_not_current" })
  end, after = 8, lock = "lost", free = { 1.5, 2.5 } },
  { "refused with 400 for the lease ends that lock only", function(faults)
    faults:on(RENEW):status(400, { code = "lease_not_current" })
  end, after = 8, lock = "lost", free = { 1.5, 2.5 } },
  { "refused with 404 not_found ends that lock only", function(faults)
    faults:on(RENEW):status(404)
  end, after = 8, lock = "lost", free = { 1.5, 2.5 } },
  { "refused with 410 ends that lock only", function(faults)
    faults:on(RENEW):status(410)
  end, after = 8, lock = "lost", free = { 1.5, 2.5 } },
  { "answered by a proxy's 404 proves nothing", function(faults)
    faults:on(RENEW):html(404)
  end, after = 30, lock = "held" },
  { "answered by a proxy's 410 only: uncertain at the deadline", function(faults)
    faults:on(RENEW):every():html(410)
  end, after = 8.1, lock = "uncertain", free = SOON },
  { "refused for its token once is repeated", function(faults)
    faults:on(RENEW):status(401)
  end, after = 30, lock = "held" },
  { "refused for its token until the deadline is no proof", function(faults)
    faults:on(RENEW):every():status(401)
  end, after = 8.1, lock = "uncertain", free = SOON },
  { "met by a burst of 503 is repeated", function(faults)
    faults:on(RENEW):times(3):status(503)
  end, after = 30, lock = "held" },
  { "met by 503 until the deadline", function(faults)
    faults:on(RENEW):every():status(503)
  end, after = 8.1, lock = "uncertain", free = SOON, met = 20 },
  { "met by a rate limit with a long hint is tried again before the deadline", function(faults)
    faults:on(RENEW):status(429, { retry_after = 60 })
  end, after = 30, lock = "held" },
  { "hinted to come at once comes once a second at most", function(faults)
    faults:on(RENEW):every():edit_answer(edit('("renew_after_ms":)%d+', "%10"))
  end, after = 60, lock = "held", met = 61 },
  { "hinted to come too late comes in time", function(faults)
    faults:on(RENEW):every():edit_answer(edit('("renew_after_ms":)%d+', "%199999999"))
  end, after = 60, lock = "held" },
  { "answered for another lease is repeated", function(faults)
    faults:on(RENEW):other_id()
  end, after = 30, lock = "held" },
  { "answered for another lease always: grants nothing", function(faults)
    faults:on(RENEW):every():other_id()
  end, after = 8.1, lock = "uncertain", free = SOON },
  { "with a truncated answer is repeated", function(faults)
    faults:on(RENEW):garbage()
  end, after = 30, lock = "held" },
  { "answered without its lease grants nothing", function(faults)
    faults:on(RENEW):every():edit_answer(edit('"lease_id"', '"lease"'))
  end, after = 8.1, lock = "uncertain", free = SOON },
  { "answered late counts from when it was sent", function(faults, world)
    faults:on(function(request)
      if request.path == "/locks/jobs/renew" then
        world.sent_at = world.sent_at or world.clock:now()
        return true
      end
    end):delay_answer(1)
  end, after = 6.2, lock = "held", also = function(world, lock)
    assert.is_near(world.sent_at + 8 - world.clock:now(), lock:remaining(), 0.002)
  end },
  { "answered after the deadline does not bring the lock back", function(faults)
    faults:on(RENEW):every():delay_answer(9)
  end, after = 12, lock = "uncertain", free = { 0, 10 } },
  { "whose copy lands after the release frees nothing and takes nothing", function(faults, world)
    faults:on(RENEW):duplicate_later(5)
    world.clock:at(world.start + 7, function() assert(world.lock:release()) end)
  end, after = 10, lock = "released", free = AT_ONCE },
  { "when the server's clock steps ahead by more than the TTL: lost", function(_, world)
    world.service:step_clock(11)
  end, after = 8, lock = "lost", free = AT_ONCE },
  { "when the server's clock steps back", function(_, world)
    world.service:step_clock(-3600)
  end, after = 30, lock = "held" },
  { "after a restart that finds everything again", function(faults)
    faults:on(RENEW):restart():reset()
  end, after = 30, lock = "held" },
  { "after a restart without state: lost", function(faults)
    faults:on(RENEW):restart("leases")
  end, after = 8, lock = "lost", free = AT_ONCE },
})

local SHORT = { session = { ttl = 10 } } -- its margin is 2

define("a keepalive", lease_case.holding, {
  { "whose answer is lost is repeated", function(faults)
    faults:on(KEEPALIVE):drop_answer()
  end, client = SHORT, after = 30, lock = "held" },
  { "of which none arrives: uncertain at the session's deadline", function(faults)
    faults:on(KEEPALIVE):every():drop_request()
  end, client = SHORT, ttl = 60, after = 8.1, lock = "uncertain", neighbour = "uncertain", free = SOON, met = 20 },
  { "answered with 410 ends the session and all in it", function(faults)
    faults:on(KEEPALIVE):status(410)
  end, client = SHORT, ttl = 60, after = 7, lock = "session", neighbour = "session", free = { 0, 60 } },
  { "answered with 404 ends the session and all in it", function(faults)
    faults:on(KEEPALIVE):status(404)
  end, client = SHORT, ttl = 60, after = 7, lock = "session", neighbour = "session", free = { 0, 60 } },
  { "answered by a proxy's 404 proves nothing", function(faults)
    faults:on(KEEPALIVE):html(404)
  end, client = SHORT, after = 30, lock = "held" },
  { "refused for its token until the deadline is no proof", function(faults)
    faults:on(KEEPALIVE):every():status(401)
  end, client = SHORT, ttl = 60, after = 8.1, lock = "uncertain", neighbour = "uncertain", free = SOON },
  { "met by a burst of 503 is repeated", function(faults)
    faults:on(KEEPALIVE):times(3):status(503)
  end, client = SHORT, after = 30, lock = "held" },
  { "answered for another session grants nothing", function(faults)
    faults:on(KEEPALIVE):every():other_id()
  end, client = SHORT, ttl = 60, after = 8.1, lock = "uncertain", neighbour = "uncertain", free = SOON },
  { "with truncated answers grants nothing", function(faults)
    faults:on(KEEPALIVE):every():garbage()
  end, client = SHORT, ttl = 60, after = 8.1, lock = "uncertain", neighbour = "uncertain", free = SOON },
  { "met by a rate limit with a long hint is tried again before the deadline", function(faults)
    faults:on(KEEPALIVE):status(429, { retry_after = 60 })
  end, client = SHORT, after = 30, lock = "held" },
  { "after the server's clock stepped ahead by more than the session's TTL", function(_, world)
    world.service:step_clock(11)
  end, client = SHORT, ttl = 60, after = 7, lock = "session", neighbour = "session", free = AT_ONCE },
  { "after a restart without state", function(faults)
    faults:on(KEEPALIVE):restart("leases")
  end, client = SHORT, ttl = 60, after = 7, lock = "session", neighbour = "session", free = AT_ONCE },
})

define("a release", lease_case.releasing, {
  { "whose answer is lost: that the lease is gone is success", function(faults)
    faults:on(RELEASE):drop_answer()
  end, lock = "released", free = AT_ONCE },
  { "whose request is lost is repeated", function(faults)
    faults:on(RELEASE):drop_request()
  end, lock = "released", free = AT_ONCE },
  { "of which four requests are lost is done in the background", function(faults)
    faults:on(RELEASE):times(4):drop_request()
  end, err = UNKNOWN, lock = "released", free = SOON },
  { "that never arrives: its TTL, since nobody renews it", function(faults)
    faults:on(RELEASE):every():drop_request()
  end, err = UNKNOWN, lock = "released", free = { 7, 10.25 } },
  { "met by a burst of 503 is repeated", function(faults)
    faults:on(RELEASE):times(3):status(503)
  end, lock = "released", free = AT_ONCE },
  { "that took effect behind a burst of 502", function(faults)
    faults:on(RELEASE):times(4):commit():status(502, { bare = true })
  end, err = UNKNOWN, lock = "released", free = AT_ONCE },
  { "answered by a proxy's 404 is no success, and done in the background", function(faults)
    faults:on(RELEASE):html(404)
  end, err = GARBLED, lock = "released", free = SOON },
  { "answered by a proxy's page is no success, and done in the background", function(faults)
    faults:on(RELEASE):html()
  end, err = GARBLED, lock = "released", free = SOON },
  { "with a truncated answer has taken effect", function(faults)
    faults:on(RELEASE):garbage()
  end, err = GARBLED, lock = "released", free = AT_ONCE },
  { "met by a rate limit waits for its hint", function(faults)
    faults:on(RELEASE):status(429, { retry_after = 2 })
  end, lock = "released", free = AT_ONCE },
  { "met by a rate limit with a long hint: its TTL at most", function(faults)
    faults:on(RELEASE):status(429, { retry_after = 60 })
  end, err = { kind = "rate_limited" }, lock = "released", free = { 0, 10.25 } },
  { "refused for its token is done in the background", function(faults)
    faults:on(RELEASE):status(401)
  end, err = { kind = "authentication" }, lock = "released", free = SOON },
  { "that stalls after it took effect ends with its own time", function(faults)
    faults:on(RELEASE):stall_answer()
  end, err = TIMEOUT, lock = "released", free = AT_ONCE },
  { "of a lease that the server no longer has: lost", function(faults)
    faults:on(RELEASE):commit():status(404, { code = "lease_not_current" })
  end, err = { kind = "lock_lost", reason = "lost" }, lock = "lost", free = AT_ONCE },
  { "of a lease that another one has replaced: lost", function(faults)
    faults:on(RELEASE):commit():status(400, { code = "lease_not_current" })
  end, err = { kind = "lock_lost", reason = "lost" }, lock = "lost", free = AT_ONCE },
  { "delivered twice errs on the side of lost", function(faults)
    faults:on(RELEASE):duplicate()
  end, err = { kind = "lock_lost", reason = "lost" }, lock = "lost", free = AT_ONCE },
  { "whose copy lands later does not free what another session holds by then", function(faults, world)
    faults:on(RELEASE):duplicate_later(3)
    world.clock:at(world.start + 1, function() world.theirs = assert(world.rival:lock("jobs", { ttl = 10 })) end)
  end, after = 5, lock = "released", free = AT_ONCE, also = function(world)
    assert.is_true((world.theirs:ensure(1)))
    assert.are.equal("held", world:status("jobs"))
    assert.is_true((world.theirs:release()))
  end },
  { "after the server's clock stepped ahead by more than the TTL: lost", function(faults)
    faults:on(RELEASE):clock_step(11)
  end, err = { kind = "lock_lost", reason = "lost" }, lock = "lost", free = AT_ONCE },
  { "after a restart without state: lost", function(faults)
    faults:on(RELEASE):restart("leases")
  end, err = { kind = "lock_lost", reason = "lost" }, lock = "lost", free = AT_ONCE },
})
