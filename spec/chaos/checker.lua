-- The checker of a chaos run: a history in, violations out.
-- Uses: nothing. A history is a list of lines as worker.lua writes them; times are of one clock:
--   A time handle name token lease   acquired          S time at handle   had authority at that moment
--   E time handle reason lost        ended              U time name value   the counter was written
--   X time name reason before        a lock that had ended changed its mind

local checker = {}

local function words_of(line)
  local words = {}
  for word in line:gmatch("%S+") do
    words[#words + 1] = word
  end
  return words
end

local REASONS =
  { released = true, lost = true, uncertain = true, session = true, max_hold = true }

---Reads lines into handles and updates. The last line of a process that was killed may be cut off.
local function read(lines)
  local handles, by_id, updates, violations = {}, {}, {}, {}
  local read_line = {
    A = function(words)
      local handle = {
        id = words[3], name = words[4], token = tonumber(words[5]), lease = words[6], at = tonumber(words[2]), ends = 0,
      }
      by_id[handle.id] = handle
      handles[#handles + 1] = handle
    end,
    S = function(words)
      local handle, at = by_id[words[4]], tonumber(words[3])
      handle.first, handle.last = handle.first or at, at
    end,
    E = function(words)
      local handle = by_id[words[3]]
      handle.ends, handle.reason, handle.told = handle.ends + 1, words[4], tonumber(words[5])
    end,
    U = function(words)
      updates[#updates + 1] = { at = tonumber(words[2]), name = words[3], value = tonumber(words[4]) }
    end,
    X = function(words)
      violations[#violations + 1] = ("a lock of %s that had ended as %s became %s"):format(words[3], words[5], words[4])
    end,
  }
  local LENGTH = { A = 6, S = 4, E = 5, U = 4, X = 5 }
  for _, line in ipairs(lines) do
    local words = words_of(line)
    if read_line[words[1]] and #words == LENGTH[words[1]] then
      read_line[words[1]](words)
    end
  end
  return handles, updates, violations
end

local function group(items, key)
  local groups = {}
  for _, item in ipairs(items) do
    groups[item[key]] = groups[item[key]] or {}
    table.insert(groups[item[key]], item)
  end
  return groups
end

local function check_exclusion(handles, add)
  for name, of_name in pairs(group(handles, "name")) do
    local inside = {}
    for _, handle in ipairs(of_name) do
      inside[#inside + 1] = handle.first and handle or nil
    end
    table.sort(inside, function(a, b) return a.first < b.first end)
    local holder = inside[1]
    for i = 2, #inside do
      if inside[i].first <= holder.last then
        add(("two inside of %s: %s until %.3f, %s from %.3f"):format(
          name, holder.id, holder.last, inside[i].id, inside[i].first))
      end
      holder = inside[i].last > holder.last and inside[i] or holder
    end
  end
end

local function check_tokens(handles, add)
  for name, of_name in pairs(group(handles, "name")) do
    table.sort(of_name, function(a, b) return a.at < b.at end)
    for i = 2, #of_name do
      if of_name[i].token <= of_name[i - 1].token then
        add(("tokens of %s do not rise: %d, then %d"):format(name, of_name[i - 1].token, of_name[i].token))
      end
    end
  end
end

local function check_leases(handles, add)
  for _, of_lease in pairs(group(handles, "lease")) do
    if #of_lease > 1 then
      add(("one lease belonged to %s and to %s"):format(of_lease[1].id, of_lease[2].id))
    end
  end
end

local function check_ends(handles, add)
  for _, handle in ipairs(handles) do
    if handle.ends > 1 then
      add(("%s ended %d times"):format(handle.id, handle.ends))
    elseif handle.ends == 1 and not REASONS[handle.reason] then
      add(("%s ended as '%s'"):format(handle.id, handle.reason))
    elseif handle.ends == 1 and handle.reason ~= "released" and handle.told ~= 1 then
      add(("%s was lost and told so %d times"):format(handle.id, handle.told))
    end
  end
end

local function check_counters(updates, counters, add)
  for name, of_name in pairs(group(updates, "name")) do
    local seen, twice = {}, false
    for _, update in ipairs(of_name) do
      if seen[update.value] then
        add(("an update of %s was lost: %d was written twice"):format(name, update.value))
        twice = true
      end
      seen[update.value] = true
    end
    -- More is no violation: a process may have been killed between a write and the line about it.
    if not twice and (counters[name] or 0) < #of_name then
      add(("updates of %s were lost: %d writes, the counter is at %d"):format(name, #of_name, counters[name] or 0))
    end
  end
end

---@param lines string[]
---@param counters table<string, integer> what the counters were at in the end
---@return string[] violations
---@return { acquisitions: integer, handles: table[] } summary
function checker.check(lines, counters)
  local handles, updates, violations = read(lines)
  local function add(violation)
    violations[#violations + 1] = violation
  end
  check_exclusion(handles, add)
  check_tokens(handles, add)
  check_leases(handles, add)
  check_ends(handles, add)
  check_counters(updates, counters, add)
  return violations, { acquisitions = #handles, handles = handles }
end

---How long after a moment each name was acquired again, at worst; nil when one never was.
---@param handles table[]
---@param moment number
---@param names string[]
---@return number? seconds
function checker.recovery(handles, moment, names)
  local worst = 0
  for _, name in ipairs(names) do
    local first
    for _, handle in ipairs(handles) do
      if handle.name == name and handle.at > moment and (not first or handle.at < first) then
        first = handle.at
      end
    end
    if not first then
      return nil
    end
    worst = math.max(worst, first - moment)
  end
  return worst
end

return checker
