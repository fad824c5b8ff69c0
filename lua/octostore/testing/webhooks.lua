-- Webhooks: registered, listed and deleted; nothing is delivered, there is no network here.
-- May use: body, faults, json, time.

local body = require "octostore.testing.body"
local faults = require "octostore.testing.faults"
local json = require "octostore.testing.json"
local time = require "octostore.testing.time"

local webhooks = {}

local MAX_WEBHOOKS = 10
local EVENTS = { acquired = true, released = true, renewed = true, expired = true, ["*"] = true }
local CREATE =
  { { "url", "string", true }, { "secret", "string" }, { "events", "strings" }, { "lock_pattern", "string" } }

local function is_private(host)
  local a, b = host:match("^(%d+)%.(%d+)%.%d+%.%d+$")
  a, b = tonumber(a), tonumber(b)
  return host:lower() == "localhost"
    or host:match("^%[::1?%]$") ~= nil
    or host:match("^%[[fF][cCdDeE]") ~= nil
    or a ~= nil
      and (a == 0 or a == 10 or a == 127 or a >= 224 or a == 172 and b >= 16 and b <= 31)
    or a == 192 and b == 168
    or a == 169 and b == 254
    or a == 100 and b >= 64 and b <= 127
end

-- The URL as the server writes it back: no default port, a path that is not empty.
local function check_url(url)
  local authority, rest = url:match("^[hH][tT][tT][pP][sS]://([^/?#]+)(.*)$")
  if not authority or authority:find("%s") then
    faults.raise("invalid_input", "A webhook's URL is https")
  elseif authority:find("@", 1, true) then
    faults.raise("invalid_input", "A webhook's URL has no credentials")
  end
  local host = authority:match("^%[.*%]") or authority:match("^[^:]*")
  if host == "" or is_private(host) then
    faults.raise("invalid_input", "A webhook's URL is public")
  end
  return "https://" .. authority:lower():gsub(":443$", "") .. (rest:find("^/") and rest or "/" .. rest)
end

local function check_events(events)
  for _, event in ipairs(events) do
    if not EVENTS[event] then
      faults.raise("invalid_input", "There is no such event")
    end
  end
  return events
end

local function shown(webhook)
  return {
    id = webhook.id,
    user_id = webhook.user_id,
    url = webhook.url,
    secret = webhook.secret and "****" or json.null,
    events = json.array(webhook.events),
    lock_pattern = webhook.lock_pattern or json.null,
    created_at = time.format(webhook.created_at),
    active = true,
  }
end

local function of_user(service, user)
  local list = {}
  for _, webhook in ipairs(service.webhooks) do
    if webhook.user_id == user.id then
      list[#list + 1] = webhook
    end
  end
  return list
end

local function create(service, request, _, now)
  local given = body.read(request, CREATE)
  local user = service.accounts:authenticate(request)
  local webhook = {
    id = service.ids:uuid(),
    user_id = user.id,
    url = check_url(given.url),
    secret = given.secret,
    events = check_events(given.events or { "*" }),
    lock_pattern = given.lock_pattern,
    created_at = now,
  }
  if #of_user(service, user) >= MAX_WEBHOOKS then
    faults.raise("invalid_input", "A user has at most 10 webhooks")
  end
  table.insert(service.webhooks, webhook)
  return 201, shown(webhook)
end

local function list(service, request)
  local found = json.array {}
  for i, webhook in ipairs(of_user(service, service.accounts:authenticate(request))) do
    found[i] = shown(webhook)
  end
  return 200, found
end

local function delete(service, request, id)
  local user = service.accounts:authenticate(request)
  for i, webhook in ipairs(service.webhooks) do
    if webhook.id == id and webhook.user_id == user.id then
      table.remove(service.webhooks, i)
      return 204
    end
  end
  faults.raise("not_found", "Webhook not found")
end

---@param service octostore.testing.Service
---@param routes function adds a route
function webhooks.install(service, routes)
  service.webhooks = {}
  local function bind(handler)
    return function(request, id, now)
      return handler(service, request, id, now)
    end
  end
  routes("POST", "/webhooks", bind(create))
  routes("GET", "/webhooks", bind(list))
  routes("DELETE", "/webhooks/:uuid", bind(delete))
end

return webhooks
