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
---@param limits { timeout: number, connect_timeout: number, cancel: octostore.Cancellation? }
---@return table? response { status, headers, body, repeated }
---@return table? error
function Driver:send(request, limits)
  local transport, cancel = self._transport, limits.cancel
  transport:start(request, limits.timeout, limits.connect_timeout)
  while true do
    local response, err = transport:step(SLICE)
    if response or err then
      return response, err
    end
    if cancel and cancel:cancelled() then
      return nil, native.fault(request, "cancelled", "cancelled", cancel:reason() or "cancelled", transport:abort())
    end
  end
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
  self._transport:close()
end

---@param config { secure: boolean, ca_file: string?, proxy: string? }
function blocking.new(config)
  return setmetatable({ _transport = native.transport(config.secure, config.ca_file, config.proxy) }, Driver)
end

return blocking
