-- Conformance cases: which lock names there are, and how they travel in one path segment.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: each case has lock names of its own, and those with fixed names hold nothing.

local assert = require "luassert"
local step = require "spec.conformance.step"

local UMLAUT = "%C3%A4"

-- GET shows the name as the server read it, and takes nothing.
local function named(title, segment, name)
  return step.answers(title, "GET", "/locks/" .. segment, {}, 200, function(response)
    assert.are.equal(name, response.json.name)
  end)
end

local function unnamed(title, segment, status, code)
  return step.fails(title, "GET", "/locks/" .. segment, {}, status or 400, code or "invalid_lock_name")
end

local a64, a63, a61 = ("a"):rep(64), ("a"):rep(63), ("a"):rep(61)
local three64 = a64 .. "%2F" .. a64 .. "%2F" .. a64 .. "%2F"

local characters = {
  named("letters, digits, dash, underscore, dot", "Az09-_.", "Az09-_."),
  named("slash as %2F", "a%2Fb", "a/b"),
  named("slash as %2f", "a%2fb", "a/b"),
  named("an escape of what needs none", "%61%2D%62", "a-b"),
  named("umlaut", "b" .. UMLAUT .. "r", "b\195\164r"),
  named("CJK", "%E9%94%81", "\233\148\129"),
  named("Arabic-Indic digit", "%D9%A1", "\217\161"),
  named("fraction one half", "%C2%BD", "\194\189"),
  named("Devanagari with a vowel sign", "%E0%A4%95%E0%A4%BE", "\224\164\149\224\164\190"),
  unnamed("combining mark", "a%CC%88"),
  unnamed("space", "a%20b"),
  unnamed("plus", "a+b"),
  unnamed("plus as %2B", "a%2Bb"),
  unnamed("percent as %25", "a%25b"),
  unnamed("percent escaped twice", "a%252Fb"),
  unnamed("a percent that escapes nothing", "a%zzb"),
  unnamed("a percent at the end", "a%"),
  unnamed("NUL", "a%00b"),
  unnamed("line feed", "a%0Ab"),
  unnamed("emoji", "%F0%9F%90%99"),
  unnamed("colon", "a:b"),
  unnamed("tilde", "a~b"),
  unnamed("star", "a*b"),
  unnamed("backslash", "a%5Cb"),
  unnamed("question mark", "a%3Fb"),
  unnamed("hash", "a%23b"),
  unnamed("at sign", "a@b"),
  unnamed("no-break space", "a%C2%A0b"),
  unnamed("zero-width joiner", "a%E2%80%8Db"),
  unnamed("currency sign", "%E2%82%AC"),
  unnamed("bytes that are no UTF-8", "a%FFb", 400, "invalid_input"),
  unnamed("an overlong slash", "a%C0%AFb", 400, "invalid_input"),
  unnamed("a UTF-8 surrogate", "a%ED%A0%80b", 400, "invalid_input"),
}

local components = {
  named("one dot", ".", "."),
  named("three dots", "...", "..."),
  named("a dot component", "a%2F.%2Fb", "a/./b"),
  named("a trailing dot", "a.", "a."),
  named("a leading dot", ".a", ".a"),
  named("two dots inside a component", "a..b", "a..b"),
  unnamed("two dots", ".."),
  unnamed("two dots as %2E%2E", "%2E%2E"),
  unnamed("a component of two dots", "a%2F..%2Fb"),
  unnamed("leading slash", "%2Fa"),
  unnamed("trailing slash", "a%2F"),
  unnamed("two slashes", "a%2F%2Fb"),
  unnamed("only a slash", "%2F"),
  unnamed("a raw slash is another path", "a/b", 404, "not_found"),
  unnamed("no name", "", 404, "not_found"),
  named("a component of 64 bytes", a64, a64),
  unnamed("a component of 65 bytes", a64 .. "a"),
  named("a component of 32 characters of two bytes", UMLAUT:rep(32), ("\195\164"):rep(32)),
  unnamed("a component of 33 characters of two bytes", UMLAUT:rep(33)),
  named("256 bytes", three64 .. a61, (three64 .. a61):gsub("%%2F", "/")),
  unnamed("257 bytes", three64 .. a61 .. "a"),
  named("a last component of 63 bytes after 64", a64 .. "%2F" .. a63, a64 .. "/" .. a63),
  unnamed("a name of elections", "__election%2Froom-1234", 403, "forbidden"),
  named("a name that only looks like one of elections", "__election", "__election"),
  named("a query string is no part of the name", "a?b=c", "a"),
}

local routes = {
  step.fails("acquire checks the name", "POST", "/locks/a%20b/acquire", { body = {} }, 400, "invalid_lock_name"),
  step.fails("release checks the name", "POST", "/locks/a%20b/release",
    { body = { lease_id = "00000000-0000-4000-8000-000000000000" } }, 400, "invalid_lock_name"),
  step.fails("renew checks the name", "POST", "/locks/a%20b/renew",
    { body = { lease_id = "00000000-0000-4000-8000-000000000000" } }, 400, "invalid_lock_name"),
  step.fails("PUT of an ACL checks the name", "PUT", "/locks/a%20b/acl",
    { body = { acl = { acquire = { "user:bob" } } } }, 400, "invalid_lock_name"),
  step.fails("acquire of a name of elections", "POST", "/locks/__election%2Froom-1234/acquire", { body = {} },
    403, "forbidden"),
  step.fails("acquire through a raw slash", "POST", "/locks/a/b/acquire", { body = {} }, 404, "not_found"),
  step.fails("acquire without a name", "POST", "/locks//acquire", { body = {} }, 400, "invalid_lock_name"),
  step.fails("the name comes before the TTL", "POST", "/locks/a%20b/acquire", { body = { ttl_seconds = 0 } },
    400, "invalid_lock_name"),
  {
    name = "upper and lower case are two locks",
    run = function(t)
      local name = t:unique("Case")
      t:lease(name)
      t:lease(name:lower(), {}, { as = "bob" })
    end,
  },
  {
    name = "%2F and %2f are one lock, acquired, renewed and released",
    run = function(t)
      local first, second = t:unique("tree"), t:unique("leaf")
      local lease = t:ok(t:request("POST", "/locks/" .. first .. "%2F" .. second .. "/acquire", { body = {} })).json
      local lower = "/locks/" .. first .. "%2f" .. second
      local body = { lease_id = lease.lease_id }
      t:ok(t:request("POST", lower .. "/renew", { body = body }))
      t:ok(t:request("POST", lower .. "/release", { body = body }))
    end,
  },
  {
    name = "a lock with umlauts and dots is acquired and released",
    run = function(t)
      local name = t:unique("gr\195\182\195\159e.") .. "."
      t:ok(t:release(name, t:lease(name).lease_id))
    end,
  },
}

return step.join(characters, components, routes)
