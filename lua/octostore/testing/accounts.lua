-- Users, tokens and who a request comes from.
-- May use: body, faults, json.

local body = require "octostore.testing.body"
local faults = require "octostore.testing.faults"
local json = require "octostore.testing.json"

local accounts = {}

local Accounts = {}
Accounts.__index = Accounts

---The principal of the admin key.
accounts.ADMIN = { id = "00000000-0000-0000-0000-000000000000", name = "admin", is_admin = true }

function Accounts:add(user)
  user.id = self.ids:uuid()
  self.list[#self.list + 1] = user
  self.by_token[user.token] = user
  return user
end

function Accounts:find(id)
  for _, user in ipairs(self.list) do
    if user.id == id then
      return user
    end
  end
end

-- Blanks around a value are no part of it; a header that is not visible ASCII counts as absent.
local function header(request, name)
  local value = (request.headers[name] or ""):match("^[ \t]*(.-)[ \t]*$")
  return request.headers[name] and not value:find("[^\t\32-\126]") and value or nil
end

---@return string?
function accounts.bearer(request)
  return (header(request, "authorization") or ""):match("^Bearer (.*)$")
end

local function admin_key(request)
  return header(request, "x-admin-key") or header(request, "x-octostore-admin-key")
end

---The user behind a request, or the administrator.
function Accounts:authenticate(request)
  if self.admin_key and admin_key(request) == self.admin_key then
    return accounts.ADMIN
  end
  local token = accounts.bearer(request)
  if not token then
    faults.raise("authentication_required")
  end
  return self.by_token[token] or faults.raise("authentication_failed")
end

function Accounts:require_admin(request)
  local bearer = accounts.bearer(request)
  local key = admin_key(request) or bearer and bearer:match("^admin:(.*)$")
  if not self.admin_key or key ~= self.admin_key then
    self:authenticate(request)
    faults.raise("forbidden", "Admin access required")
  end
end

local function name_taken(self, name)
  for _, user in ipairs(self.list) do
    if user.name:lower() == name:lower() then
      return true
    end
  end
  return false
end

local REGISTRATION = { { "username", "string", true }, { "namespace", "string" } }

local function check_registration(username, namespace)
  if username == "" or #username > 64 or username:find("[^%w_-]") then
    faults.raise("invalid_input", "A username has 1 to 64 letters, digits, '-' and '_'")
  elseif namespace and (#namespace > 64 or namespace:find("[^%w._-]")) then
    faults.raise("invalid_input", "A namespace has 1 to 64 letters, digits, '-', '_' and '.'")
  end
end

local function token_answer(user, name_field)
  local namespace = user.namespace or json.null
  return { token = user.token, user_id = user.id, [name_field] = user.name, namespace = namespace }
end

---@param service octostore.testing.Service
---@param routes function adds a route
function accounts.install(service, routes)
  local self = setmetatable({ list = {}, by_token = {}, ids = service.ids, admin_key = service.admin_key }, Accounts)
  service.accounts = self

  if service.local_registration then
    routes("POST", "/auth/register", function(request)
      local given = body.read(request, REGISTRATION)
      local namespace = given.namespace and given.namespace:gsub("^/+", ""):gsub("/+$", "")
      namespace = namespace ~= "" and namespace or nil
      check_registration(given.username, namespace)
      if name_taken(self, given.username) then
        faults.raise("conflict", "That username is not available")
      end
      local user = self:add { name = given.username, namespace = namespace, token = self.ids:urlsafe(43) .. "=" }
      return 200, token_answer(user, "username"), { ["cache-control"] = "no-store" }
    end)
  end

  routes("POST", "/auth/token/rotate", function(request)
    self:authenticate(request)
    local old = accounts.bearer(request) or faults.raise("authentication_required")
    local user = self.by_token[old] or faults.raise("authentication_failed")
    self.by_token[old] = nil
    user.token = self.ids:urlsafe(43) .. "="
    self.by_token[user.token] = user
    return 200, token_answer(user, "github_username"), { ["cache-control"] = "no-store" }
  end)
end

return accounts
