-- Churn: clients, sessions and locks come and go while the engine renews and cleans up.
-- Uses: octostore. Run by engine_spec, and by check.sh with the thread sanitizer's module.
--   LUA spec/engine/churn.lua BASE_URL TOKEN SECONDS

local native = require "octostore.native"
local octostore = require "octostore"

local base_url, token, seconds = arg[1], arg[2], tonumber(arg[3])

local function new_client()
  return assert(octostore.new {
    base_url = base_url,
    token = token,
    session = { ttl = 10 },
    on_event = function(event) assert(event.type == "dropped", event.type) end,
  })
end

local endpoint = assert(native.endpoint(base_url, token, nil, false))
local port, submitted = native.port(false), nil

local clients = { new_client(), new_client() }
local held = {}
local count = 0

local actions = {
  function(client, name) client:with_lock(name, { ttl = 1 }, function(lock) lock:check() end) end,
  function(client, name) client:lock(name, { ttl = 1 }) end, -- dropped
  function(client, name) held[#held + 1] = client:lock(name, { ttl = 1, wait = 0.01 }) end,
  function()
    local lock = table.remove(held, 1)
    if lock and lock:held() then
      assert(lock:ensure(0.1))
      lock:release()
    end
  end,
  function(client, name)
    local session = assert(client:session { ttl = 10 })
    client:lock(name, { session = session })
    assert(session:keep_alive())
    session:close()
  end,
  function() collectgarbage() end,
  function() submitted = port:submit(assert(native.request(endpoint, "health", nil)), 5, 5) end,
  function()
    local id, response, err = port:take()
    assert(not id or response or err.kind == "cancelled", tostring(err))
  end,
  function()
    if submitted then
      port:cancel(submitted)
    end
    if math.random(10) == 1 then
      port:close()
      port, submitted = native.port(false), nil
    end
  end,
}

math.randomseed(7)
local start = native.now()
while native.now() - start < seconds do
  local which = math.random(#clients)
  actions[math.random(#actions)](clients[which], "churn/" .. math.random(6))
  count = count + 1
  if count % 40 == 0 then
    clients[which]:close()
    clients[which] = new_client()
  end
end
print(("ok %d"):format(count))
