-- The client's side of the bench: acquire and release pairs on one kept connection.
-- May use: octostore. Prints CPU and median latency of a request in microseconds.
--   LUA spec/bench/client.lua BASE_URL TOKEN PAIRS

local native = require "octostore.native"
local octostore = require "octostore"

local WARM_UP = 50

local client = assert(octostore.new(arg[1], arg[2]))
local pairs_wanted = assert(tonumber(arg[3]), "usage: client.lua BASE_URL TOKEN PAIRS")

local function run(count, latencies)
  for i = 1, count do
    local start = native.now()
    local lock = assert(client:acquire_lock("bench", 60))
    local middle = native.now()
    assert(client:release_lock("bench", lock.lease_id))
    latencies[2 * i - 1] = (middle - start) * 1e6
    latencies[2 * i] = (native.now() - middle) * 1e6
  end
end

run(WARM_UP, {})
local latencies = {}
local cpu = os.clock()
run(pairs_wanted, latencies)
cpu = os.clock() - cpu
table.sort(latencies)
print(("%.2f %.2f"):format(cpu * 1e6 / (2 * pairs_wanted), latencies[pairs_wanted]))
