-- The bench: rounds of baseline, client on Lua 5.4 and client on LuaJIT in turn, on one server.
-- May use: spec.support.servers (the real server). Prints medians, and the ratio to the baseline of
-- the same round, which holds when the machine's speed drifts.

local process = require "spec.support.process"
local servers = require "spec.support.servers"

local ROUNDS = tonumber(os.getenv("BENCH_ROUNDS") or 9)
local PAIRS = tonumber(os.getenv("BENCH_PAIRS") or 500)
local GOAL = 1.25

local CONTENDERS = {
  { name = "C loop on libcurl", command = "build/bench/baseline" },
  { name = "client, Lua 5.4", command = "LUA_CPATH='build/5.4/?.so;;' lua5.4 spec/bench/client.lua" },
  { name = "client, LuaJIT", command = "LUA_CPATH='build/luajit/?.so;;' luajit spec/bench/client.lua" },
}

local function median(list)
  local sorted = { (table.unpack or unpack)(list) }
  table.sort(sorted)
  return sorted[math.floor((#sorted + 1) / 2)], sorted[1], sorted[#sorted]
end

local function measure(contender, server)
  local arguments = (" %s %s %d"):format(server.base_url, server.tokens.alice, PAIRS)
  local output = process.capture(contender.command .. arguments)
  local cpu, latency = output:match("^([%d.]+) ([%d.]+)$")
  return tonumber(cpu) or error(contender.name .. " failed: " .. output), tonumber(latency)
end

local function run_rounds(server)
  for _, contender in ipairs(CONTENDERS) do
    contender.cpu, contender.latency, contender.ratio = {}, {}, {}
  end
  for round = 1, ROUNDS do
    for _, contender in ipairs(CONTENDERS) do
      contender.cpu[round], contender.latency[round] = measure(contender, server)
      contender.ratio[round] = contender.cpu[round] / CONTENDERS[1].cpu[round]
    end
  end
end

local function report()
  print(("%-20s %14s %16s %26s"):format("", "CPU us/request", "median latency", "CPU ratio (min - max)"))
  local met = true
  for i, contender in ipairs(CONTENDERS) do
    local ratio, least, most = median(contender.ratio)
    met = met and (i == 1 or ratio <= GOAL)
    print(("%-20s %14.1f %13.0f us %12.2f (%.2f - %.2f)"):format(
      contender.name, (median(contender.cpu)), (median(contender.latency)), ratio, least, most))
  end
  print(("%d rounds of %d acquire and release pairs; goal: a ratio of %.2f: %s"):format(
    ROUNDS, PAIRS, GOAL, met and "met" or "not met"))
end

local server = servers.real {}
local ok, problem = pcall(run_rounds, server)
server:stop()
if not ok then
  io.stderr:write("bench: ", tostring(problem), "\n")
  os.exit(1)
end
report()
