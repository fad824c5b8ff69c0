-- Conformance cases: webhooks as records; nothing is delivered, the hosts do not exist.
-- Uses: spec.conformance.step and the vocabulary of spec.conformance.context.
-- Owner: the users dave, erin and heidi have webhooks here and nowhere else.

local assert = require "luassert"
local step = require "spec.conformance.step"

local URL = "https://hooks.example.invalid/path"

-- Each is deleted again: ten are all that a user may have.
local function accepted(name, body, check)
  return {
    name = name,
    run = function(t)
      local hook = t:ok(t:request("POST", "/webhooks", { as = "dave", body = body }), 201).json
      t:uuid(hook.id)
      if check then check(hook) end
      t:ok(t:request("DELETE", "/webhooks/" .. hook.id, { as = "dave" }), 204)
    end,
  }
end

local function refused(name, body, status)
  return step.fails(name, "POST", "/webhooks", { as = "dave", body = body }, status or 400, "invalid_input")
end

local function shown_as(url)
  return function(hook) assert.are.equal(url, hook.url) end
end

local bodies = {
  accepted("only a URL: all events of all locks", { url = URL }, function(hook)
    assert.are.same({ "*" }, hook.events)
    assert.is_true(hook.active)
  end),
  accepted("a secret is never shown", { url = URL, secret = "s3cret" }, function(hook)
    assert.are.equal("****", hook.secret)
  end),
  accepted("an empty secret is one", { url = URL, secret = "" }),
  accepted("events and a pattern", { url = URL, events = { "released", "expired" }, lock_pattern = "jobs*" },
    function(hook)
      assert.are.same({ "released", "expired" }, hook.events)
      assert.are.equal("jobs*", hook.lock_pattern)
    end),
  accepted("no event at all", '{"url":"' .. URL .. '","events":[]}'),
  accepted("an event twice", { url = URL, events = { "acquired", "acquired" } }),
  accepted("a URL without a path gets one", { url = "https://hooks.example.invalid" },
    shown_as("https://hooks.example.invalid/")),
  accepted("a URL in capitals is written small", { url = "HTTPS://Hooks.Example.INVALID/Path" },
    shown_as("https://hooks.example.invalid/Path")),
  accepted("the default port is left out", { url = "https://hooks.example.invalid:443/x" },
    shown_as("https://hooks.example.invalid/x")),
  accepted("another port stays", { url = "https://hooks.example.invalid:8443/x?y=z" },
    shown_as("https://hooks.example.invalid:8443/x?y=z")),
  accepted("a public address", { url = "https://8.8.8.8/hook" }),
  refused("http", { url = "http://hooks.example.invalid/" }),
  refused("no URL scheme", { url = "hooks.example.invalid" }),
  refused("an empty URL", { url = "" }),
  refused("credentials in the URL", { url = "https://user:password@hooks.example.invalid/" }),
  refused("localhost", { url = "https://localhost/hook" }),
  refused("127.0.0.1", { url = "https://127.0.0.1/hook" }),
  refused("10.0.0.1", { url = "https://10.0.0.1/hook" }),
  refused("192.168.1.1", { url = "https://192.168.1.1/hook" }),
  refused("169.254.169.254", { url = "https://169.254.169.254/hook" }),
  refused("[::1]", { url = "https://[::1]/hook" }),
  refused("an unknown event", { url = URL, events = { "renamed" } }),
  refused("an event in capitals", { url = URL, events = { "Acquired" } }),
  refused("events that are no list", { url = URL, events = "acquired" }, 422),
  refused("no URL", {}, 422),
  refused("a URL that is a number", { url = 1 }, 422),
  refused("an empty body", ""),
}

local addresses = {
  step.fails("DELETE of an unknown one", "DELETE", "/webhooks/00000000-0000-4000-8000-000000000000", {},
    404, "not_found"),
  step.fails("DELETE of what is no UUID", "DELETE", "/webhooks/x", {}, 400, "invalid_input"),
  step.fails("list without a token", "GET", "/webhooks", { no_auth = true }, 401, "authentication_required"),
  step.fails("create without a token", "POST", "/webhooks", { no_auth = true, body = { url = URL } },
    401, "authentication_required"),
  step.fails("DELETE without a token", "DELETE", "/webhooks/00000000-0000-4000-8000-000000000000", { no_auth = true },
    401, "authentication_required"),
  step.answers("a list of none", "GET", "/webhooks", { as = "judy" }, 200),
}

local lists = {
  {
    name = "they are listed to their user alone, and only the user deletes them",
    run = function(t)
      local hook = t:ok(t:request("POST", "/webhooks", { as = "erin", body = { url = URL, secret = "x" } }), 201).json
      local list = t:ok(t:request("GET", "/webhooks", { as = "erin" })).json
      assert.are.equal(1, #list)
      assert.are.same(hook, list[1])
      assert.are.equal(0, #t:ok(t:request("GET", "/webhooks", { as = "judy" })).json)
      local path = "/webhooks/" .. hook.id
      t:fails(t:request("DELETE", path, { as = "judy" }), 404, "not_found")
      assert.are.equal("", t:ok(t:request("DELETE", path, { as = "erin" }), 204).body)
      t:fails(t:request("DELETE", path, { as = "erin" }), 404, "not_found")
      assert.are.equal(0, #t:ok(t:request("GET", "/webhooks", { as = "erin" })).json)
    end,
  },
  {
    name = "ten a user, and a deleted one makes room",
    run = function(t)
      local function create() return t:request("POST", "/webhooks", { as = "heidi", body = { url = URL } }) end
      local last
      t:quietly(function()
        for _ = 1, 10 do last = t:ok(create(), 201).json end
      end)
      t:fails(create(), 400, "invalid_input")
      t:ok(t:request("DELETE", "/webhooks/" .. last.id, { as = "heidi" }), 204)
      t:ok(create(), 201)
    end,
  },
}

return step.join(bodies, addresses, lists)
