rockspec_format = "3.0"
package = "octostore"
version = "scm-1"

source = {
  url = "git+https://github.com/octostore/octostore-lua.git",
}

description = {
  summary = "Distributed locks with OctoStore: leases, fencing tokens, scoped locks",
  detailed = [[
A client of the OctoStore lock service for Lua 5.1 to 5.4 and LuaJIT, on a core in C and libcurl.
It does not block the loop of its host, and its scoped locks never claim to be held when they may not be.]],
  homepage = "https://github.com/octostore/octostore-lua",
  license = "MIT",
  labels = { "lock", "network", "concurrency" },
}

supported_platforms = { "unix" }

dependencies = {
  "lua >= 5.1, < 5.5",
  "lua-cjson",
}

external_dependencies = {
  CURL = { library = "curl" },
  JANSSON = { library = "jansson" },
}

build = {
  type = "builtin",
  modules = {
    octostore = "lua/octostore/init.lua",
    ["octostore.cancellation"] = "lua/octostore/cancellation.lua",
    ["octostore.client"] = "lua/octostore/client.lua",
    ["octostore.config"] = "lua/octostore/config.lua",
    ["octostore.driver.blocking"] = "lua/octostore/driver/blocking.lua",
    ["octostore.errors"] = "lua/octostore/errors.lua",
    ["octostore.exchange"] = "lua/octostore/exchange.lua",
    ["octostore.fence"] = "lua/octostore/fence.lua",
    ["octostore.fence.redis"] = "lua/octostore/fence/redis.lua",
    ["octostore.fence.sql"] = "lua/octostore/fence/sql.lua",
    ["octostore.keeping"] = "lua/octostore/keeping.lua",
    ["octostore.lock"] = "lua/octostore/lock.lua",
    ["octostore.options"] = "lua/octostore/options.lua",
    ["octostore.protected"] = "lua/octostore/protected.lua",
    ["octostore.retry"] = "lua/octostore/retry.lua",
    ["octostore.many"] = "lua/octostore/many.lua",
    ["octostore.semaphore"] = "lua/octostore/semaphore.lua",
    ["octostore.scoped"] = "lua/octostore/scoped.lua",
    ["octostore.session"] = "lua/octostore/session.lua",
    ["octostore.waiting"] = "lua/octostore/waiting.lua",
    ["octostore.testing"] = "lua/octostore/testing/init.lua",
    ["octostore.testing.accounts"] = "lua/octostore/testing/accounts.lua",
    ["octostore.testing.acl"] = "lua/octostore/testing/acl.lua",
    ["octostore.testing.body"] = "lua/octostore/testing/body.lua",
    ["octostore.testing.clock"] = "lua/octostore/testing/clock.lua",
    ["octostore.testing.driver"] = "lua/octostore/testing/driver.lua",
    ["octostore.testing.elections"] = "lua/octostore/testing/elections.lua",
    ["octostore.testing.faults"] = "lua/octostore/testing/faults.lua",
    ["octostore.testing.ids"] = "lua/octostore/testing/ids.lua",
    ["octostore.testing.json"] = "lua/octostore/testing/json.lua",
    ["octostore.testing.lock_routes"] = "lua/octostore/testing/lock_routes.lua",
    ["octostore.testing.locks"] = "lua/octostore/testing/locks.lua",
    ["octostore.testing.names"] = "lua/octostore/testing/names.lua",
    ["octostore.testing.router"] = "lua/octostore/testing/router.lua",
    ["octostore.testing.rule"] = "lua/octostore/testing/rule.lua",
    ["octostore.testing.script"] = "lua/octostore/testing/script.lua",
    ["octostore.testing.sessions"] = "lua/octostore/testing/sessions.lua",
    ["octostore.testing.system"] = "lua/octostore/testing/system.lua",
    ["octostore.testing.time"] = "lua/octostore/testing/time.lua",
    ["octostore.testing.webhooks"] = "lua/octostore/testing/webhooks.lua",
    ["octostore.testing.wire"] = "lua/octostore/testing/wire.lua",
    ["octostore.native"] = {
      sources = {
        "src/core/account.c",
        "src/core/error.c",
        "src/core/event.c",
        "src/core/job.c",
        "src/core/json.c",
        "src/core/keeper.c",
        "src/core/lease.c",
        "src/core/lock.c",
        "src/core/operation.c",
        "src/core/request.c",
        "src/core/response.c",
        "src/core/retry.c",
        "src/core/rfc3339.c",
        "src/core/schedule.c",
        "src/core/session.c",
        "src/core/sse.c",
        "src/core/text.c",
        "src/core/url.c",
        "src/core/validate.c",
        "src/transport/clock.c",
        "src/transport/fork.c",
        "src/transport/handle.c",
        "src/transport/outcome.c",
        "src/transport/sigpipe.c",
        "src/transport/token_file.c",
        "src/transport/transport.c",
        "src/engine/carrier.c",
        "src/engine/engine.c",
        "src/engine/pin.c",
        "src/engine/port.c",
        "src/lua/endpoint_lua.c",
        "src/lua/error_lua.c",
        "src/lua/hub_lua.c",
        "src/lua/keeper_lua.c",
        "src/lua/lock_lua.c",
        "src/lua/native.c",
        "src/lua/object.c",
        "src/lua/port_lua.c",
        "src/lua/request_lua.c",
        "src/lua/response_lua.c",
        "src/lua/session_lua.c",
        "src/lua/transport_lua.c",
      },
      defines = { "_POSIX_C_SOURCE=200809L" },
      incdirs = { "src", "$(CURL_INCDIR)", "$(JANSSON_INCDIR)" },
      libdirs = { "$(CURL_LIBDIR)", "$(JANSSON_LIBDIR)" },
      libraries = { "curl", "jansson", "pthread", "dl" },
    },
  },
}

-- busted may come from any packager, so it is not a test dependency: LuaRocks would look for a rock only.
test = {
  type = "command",
  script = "spec/support/run_busted.lua",
}
