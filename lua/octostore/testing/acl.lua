-- Access lists: sticky per lock name, they outlive the lease.
-- May use: faults, json.

local faults = require "octostore.testing.faults"
local json = require "octostore.testing.json"

local acl = {}

local function is_principal(text)
  local user, token = text:match("^user:(.*)$"), text:match("^token:(.*)$")
  if user then
    return #user >= 1 and #user <= 64 and not user:find("[^%w-]")
  end
  return token ~= nil and token ~= ""
end

local function trim(text)
  return (text:gsub("^%s+", ""):gsub("%s+$", ""))
end

---Raises unless the list keeps the rules.
---@param list string[]
function acl.check(list)
  if #list < 1 or #list > 100 then
    faults.raise("invalid_input", "An ACL has 1 to 100 principals")
  end
  for _, text in ipairs(list) do
    local principal = trim(text)
    if #principal > 256 or not is_principal(principal) then
      faults.raise("invalid_input", "A principal is user:NAME or token:TOKEN of at most 256 bytes")
    end
  end
end

---Sorted, without repetitions, user names in lower case.
function acl.normalize(list)
  local seen, normal = {}, {}
  for _, text in ipairs(list) do
    local principal = trim(text)
    local user = principal:match("^user:(.*)$")
    principal = user and "user:" .. user:lower() or principal
    if not seen[principal] then
      seen[principal] = true
      normal[#normal + 1] = principal
    end
  end
  table.sort(normal)
  return normal
end

function acl.equal(a, b)
  return table.concat(a, "\0") == table.concat(b, "\0")
end

function acl.admits(list, user, token)
  for _, principal in ipairs(list) do
    local name = principal:match("^user:(.*)$")
    if name and name == (user.name or ""):lower() or token and principal == "token:" .. token then
      return true
    end
  end
  return false
end

---As answers show it: tokens are hidden.
function acl.redacted(list)
  local shown = {}
  for i, principal in ipairs(list) do
    shown[i] = principal:match("^token:") and "token:[redacted]" or principal
  end
  return { acquire = json.array(shown) }
end

return acl
