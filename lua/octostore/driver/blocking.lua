-- The blocking driver: one exchange at a time over libcurl, for scripts and workers.
-- May use: native. A driver moves bytes and sleeps; it knows nothing of locks.
-- It waits in short slices and returns to Lua between them, so that Ctrl-C (a hook in Lua's own
-- interpreter) and cancellations end a wait within a slice; a signal ends the slice itself.

local native = require "octostore.native"

local SLICE = 0.05

local blocking = {}

local Driver = {}
Driver.__index = Driver
Driver.__name = "octostore.driver.blocking"

---@param request userdata
---@param timeout number seconds for the whole exchange
---@param connect_timeout number seconds for the making of a connection
---@param cancel octostore.Cancellation? ends the exchange early
---@return userdata? response { status, headers, body, repeated }, valid until the next request is sent
---@return table? error
function Driver:send(request, timeout, connect_timeout, cancel)
  local transport = self._transport
  local answered, err = native.start(transport, request, timeout, connect_timeout, SLICE)
  while not answered and not err do
    if cancel and cancel:cancelled() then
      local sent = native.abort(transport)
      return nil, native.fault(request, "cancelled", "cancelled", cancel:reason() or "cancelled", sent)
    end
    answered, err = native.step(transport, SLICE)
  end
  return answered and transport, err
end

---@param seconds number
---@param cancel octostore.Cancellation? ends the sleep early
function Driver:sleep(seconds, cancel)
  local deadline = native.now() + seconds
  local left = seconds
  while left > 0 and not (cancel and cancel:cancelled()) do
    native.sleep(math.min(left, SLICE))
    left = deadline - native.now()
  end
end

function Driver:close()
  native.close(self._transport)
end

---@param config { secure: boolean, ca_file: string?, proxy: string? }
function blocking.new(config)
  return setmetatable({ _transport = native.transport(config.secure, config.ca_file, config.proxy) }, Driver)
end

return blocking
