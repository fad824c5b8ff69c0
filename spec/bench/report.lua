-- The bench: rounds of baseline, client on Lua 5.4 and client on LuaJIT in turn, on one real server.
-- May use: spec.support.servers. Prints medians, and the ratio to the baseline of the same round, which holds
-- when the machine's speed drifts; single rounds of a busy machine differ by a tenth and more.

local process = require "spec.support.process"
local servers = require "spec.support.servers"

local ROUNDS = tonumber(os.getenv("BENCH_ROUNDS") or 60)
local PAIRS = tonumber(os.getenv("BENCH_PAIRS") or 150)
local GOAL = 1.25
local SECONDS = 50 -- no round is begun that would end later
local MIN_ROUNDS = 3

local function client_on(lua)
  local interpreter = process.capture("sh spec/support/luas.sh interpreter " .. lua)
  assert(interpreter ~= "", "bench: no interpreter of " .. lua)
  return ("LUA_CPATH='build/%s/?.so;;' %s spec/bench/client.lua"):format(lua, process.quote(interpreter))
end

local CONTENDERS = {
  { name = "C loop on libcurl", command = "build/bench/baseline" },
  { name = "client, Lua 5.4", command = client_on("5.4") },
  { name = "client, LuaJIT", command = client_on("luajit") },
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

local function run_round(server, round)
  for _, contender in ipairs(CONTENDERS) do
    contender.cpu[round], contender.latency[round] = measure(contender, server)
    contender.ratio[round] = contender.cpu[round] / CONTENDERS[1].cpu[round]
  end
end

---Answers how many rounds there were.
local function run_rounds(server)
  local start = os.time()
  for _, contender in ipairs(CONTENDERS) do
    contender.cpu, contender.latency, contender.ratio = {}, {}, {}
  end
  for round = 1, ROUNDS do
    run_round(server, round)
    local spent = os.time() - start
    if round >= MIN_ROUNDS and spent + spent / round > SECONDS then
      return round
    end
  end
  return ROUNDS
end

local function report(rounds)
  print(("%-20s %14s %16s %26s"):format("", "CPU us/request", "median latency", "CPU ratio (min - max)"))
  local met = true
  for i, contender in ipairs(CONTENDERS) do
    local ratio, least, most = median(contender.ratio)
    met = met and (i == 1 or ratio <= GOAL)
    print(("%-20s %14.1f %13.0f us %12.2f (%.2f - %.2f)"):format(
      contender.name, (median(contender.cpu)), (median(contender.latency)), ratio, least, most))
  end
  print(("%d rounds of %d acquire and release pairs"):format(rounds, PAIRS))
  print(("goal ≤ %.2f: %s"):format(GOAL, met and "met" or "not met"))
end

local server = servers.real {}
local ok, outcome = pcall(run_rounds, server)
server:stop()
if not ok then
  io.stderr:write("bench: ", tostring(outcome), "\n")
  os.exit(1)
end
report(outcome)
