-- A client, a service and a clock, with a script of faults between them.
-- May use: octostore, octostore.testing.

local octostore = require "octostore"
local testing = require "octostore.testing"

local World = {}
World.__index = World

local faulty = {}

faulty.USERS = { { name = "alice", token = "alice-token" }, { name = "bob", token = "bob-token" } }

---Another client of the same service; without faults unless told otherwise.
---@param token string
---@param script table?
---@param options table? further options of octostore.new
function World:client_of(token, script, options)
  local given = { base_url = "http://localhost", token = token }
  given.driver = testing.driver(self.service, self.clock, script)
  for name, value in pairs(options or {}) do
    given[name] = value
  end
  return assert(octostore.new(given))
end

---"held" or "free", asked past all faults.
function World:status(name)
  return assert(self.observer:get_lock_status(name or "jobs")).status
end

---Seconds since the world began, or since `from`.
function World:elapsed(from)
  return self.clock:now() - (from or self.start)
end

---@param options table? further options of the client that meets the faults
function faulty.new(options)
  local self = setmetatable({ clock = testing.clock(), faults = testing.faults() }, World)
  self.service = testing.service { users = faulty.USERS }
  self.start = self.clock:now()
  self.client = self:client_of("alice-token", self.faults, options)
  self.observer = self:client_of "bob-token"
  return self
end

---Writes a case's fault into the script: { "status", 503, commit = true, times = 2 }.
function faulty.write(rule, fault)
  rule:times(fault.times or 1)
  if fault.commit then
    rule:commit()
  end
  return rule[fault[1]](rule, fault[2], fault[3])
end

return faulty
