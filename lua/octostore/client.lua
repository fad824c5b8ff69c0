-- The client: one method for each call of the service that a lock user needs, and its scoped locks.
-- May use: config, exchange, errors, keeping, many, options, scoped, semaphore,
-- session; lua-cjson for metadata tables.
-- Every method returns its result, or nil and an octostore.Error. A wrong type
-- raises, like the standard library; every other failure is returned.

local config = require "octostore.config"
local errors = require "octostore.errors"
local exchange = require "octostore.exchange"
local keeping = require "octostore.keeping"
local many = require "octostore.many"
local options = require "octostore.options"
local scoped = require "octostore.scoped"
local semaphore = require "octostore.semaphore"
local session = require "octostore.session"

---@class octostore.Client
local Client = {}
Client.__index = Client
Client.__name = "octostore.client"

local CALLER = 2 -- the level of whoever called a method: an argument of a wrong type is raised there

---Splits the last argument of acquire_lock and renew_lock: a TTL or a table of options.
local function ttl_or_options(value)
  if type(value) == "table" then
    return nil, value
  end
  return value, nil
end

---Metadata travels as a string; a table is encoded as JSON.
local function encode_metadata(given)
  local metadata = given and given.metadata
  if type(metadata) ~= "table" then
    return nil
  end
  local ok, text = pcall(require("cjson").encode, metadata)
  if ok then
    return text
  end
  return nil, errors.validation("metadata", "acquire_lock: metadata cannot be encoded as JSON: " .. tostring(text))
end

---@class octostore.Health
---@field status string "ok"
---@field storage string?
---@field db_size_bytes integer?

---Asks whether the service is up. Needs no token.
---@param given octostore.CallOptions?
---@return octostore.Health?
---@return octostore.Error?
function Client:health(given)
  local result, err = exchange.call(self._parts, CALLER, "health", given)
  return result, err
end

---@class octostore.AcquireOptions: octostore.CallOptions
---@field ttl integer? seconds, 1 to 3600 (default 60)
---@field metadata string|table? for others to see: up to 1024 characters; a table is sent as JSON
---@field session_id string? UUID of a session of this token
---@field ephemeral boolean? the session is the holder, and the lock ends with it
---@field lock_delay integer? seconds, 0 to 30, before the lock can be had again once it ends
---@field acl { acquire: string[] }? who may acquire it from now on: "user:NAME", "token:TOKEN"

---@class octostore.Acquired
---@field status "acquired"
---@field lease_id string a secret: who has it can release and renew the lock
---@field fencing_token integer|number|string exact; a string beyond 2^53 on Lua 5.1, 5.2 and LuaJIT
---@field expires_at string RFC 3339, by the server's clock
---@field renew_after number? seconds after which the server would like a renewal
---@field metadata string?

---One token is one holder: two workers that share a token BOTH acquire the lock, with the same
---lease. For exclusion between them use a session each (`session_id`, `ephemeral`).
---A lock of someone else is an error of kind "lock_held" with `holder_id`, `expires_at`,
---`retry_after` and `metadata`; one within its lock delay is "lock_delayed" with `available_at`.
---The lease is not renewed by itself.
---@param name string components of 1 to 64 bytes separated by "/", 256 bytes in all
---@param given integer|octostore.AcquireOptions|nil a TTL in seconds, or options
---@return octostore.Acquired?
---@return octostore.Error?
function Client:acquire_lock(name, given)
  local ttl, opts = ttl_or_options(given)
  local metadata, problem
  if opts then
    metadata, problem = encode_metadata(opts)
  end
  if problem then
    return nil, problem
  end
  local result, err = exchange.call(self._parts, CALLER, "acquire_lock", opts, name, ttl, metadata)
  return result, err
end

---Releases a lock by its lease. A lease that is already gone is an error of kind "lock_lost", unless
---it was this call that ended it.
---@param name string
---@param lease_id string
---@param given octostore.CallOptions?
---@return true?
---@return octostore.Error?
function Client:release_lock(name, lease_id, given)
  local result, err = exchange.call(self._parts, CALLER, "release_lock", given, name, lease_id)
  return result, err
end

---@class octostore.RenewOptions: octostore.CallOptions
---@field ttl integer? seconds from now, 1 to 3600 (default 60)

---@class octostore.Renewed
---@field lease_id string
---@field expires_at string
---@field renew_after number? seconds

---Sets the end of a lease to `ttl` seconds from now, which may be earlier than before.
---@param name string
---@param lease_id string
---@param given integer|octostore.RenewOptions|nil a TTL in seconds, or options
---@return octostore.Renewed?
---@return octostore.Error? kind "lock_lost" when the lease is gone
function Client:renew_lock(name, lease_id, given)
  local ttl, opts = ttl_or_options(given)
  local result, err = exchange.call(self._parts, CALLER, "renew_lock", opts, name, lease_id, ttl)
  return result, err
end

---@class octostore.LockStatus
---@field name string
---@field status "free"|"held"
---@field holder_id string? a pseudonym, for held locks
---@field fencing_token integer|number|string of the holder; of a free lock it is nobody's
---@field expires_at string?
---@field metadata string?
---@field acl { acquire: string[] }?

---@param name string
---@param given octostore.CallOptions?
---@return octostore.LockStatus?
---@return octostore.Error?
function Client:get_lock_status(name, given)
  local result, err = exchange.call(self._parts, CALLER, "get_lock_status", given, name)
  return result, err
end

---@class octostore.ListOptions: octostore.CallOptions
---@field prefix string? only names that start with it

---@class octostore.LockList
---@field locks octostore.LockStatus[]
---@field total integer
---@field prefix string?

---Lists the locks that are held now, every user's (a namespaced token sees its namespace).
---@param given octostore.ListOptions?
---@return octostore.LockList?
---@return octostore.Error?
function Client:list_locks(given)
  local result, err = exchange.call(self._parts, CALLER, "list_locks", given)
  return result, err
end

---@class octostore.SessionCreated
---@field session_id string a secret: who has it can act as the session
---@field expires_at string
---@field keepalive_interval integer? seconds after which the server would like a keepalive

---Makes a session: an identity of its own for locks with `ephemeral = true`, which end with it. It
---lives for `ttl` seconds after each keepalive, and nothing keeps it alive but keep_session_alive.
---@param ttl integer? seconds, 10 to 300 (default 60); the server would clamp others silently
---@param given octostore.CallOptions?
---@return octostore.SessionCreated?
---@return octostore.Error?
function Client:create_session(ttl, given)
  local result, err = exchange.call(self._parts, CALLER, "create_session", given, ttl)
  return result, err
end

---@class octostore.SessionKept
---@field session_id string
---@field expires_at string

---@param session_id string
---@param given octostore.CallOptions?
---@return octostore.SessionKept?
---@return octostore.Error? kind "session_expired" or "not_found" when the session is gone
function Client:keep_session_alive(session_id, given)
  local result, err = exchange.call(self._parts, CALLER, "keep_session_alive", given, session_id)
  return result, err
end

---@class octostore.SessionStatus
---@field session_id string
---@field user_id string
---@field expires_at string
---@field lock_count integer
---@field active boolean

---@param session_id string
---@param given octostore.CallOptions?
---@return octostore.SessionStatus?
---@return octostore.Error?
function Client:get_session(session_id, given)
  local result, err = exchange.call(self._parts, CALLER, "get_session", given, session_id)
  return result, err
end

---Ends a session; every ephemeral lock of it is released in one step.
---@param session_id string
---@param given octostore.CallOptions?
---@return true?
---@return octostore.Error?
function Client:end_session(session_id, given)
  local result, err = exchange.call(self._parts, CALLER, "end_session", given, session_id)
  return result, err
end

---@class octostore.Token
---@field token string a secret
---@field user_id string
---@field github_username string?
---@field namespace string?

local LOST_TOKEN = "; the answer was lost: the old token may be dead, and the new one with the answer. "
  .. "Check whether the old one still works before anything else; if it does not, the account needs a new token"

---Replaces the token. The old one is dead at once, everywhere; this client goes on with the new one,
---calls in flight included. The call is never repeated: when its answer is lost the error has
---outcome "unknown" and says what that means.
---@param given octostore.CallOptions?
---@return octostore.Token?
---@return octostore.Error?
function Client:rotate_token(given)
  local result, err = exchange.call(self._parts, CALLER, "rotate_token", given)
  if err and err.outcome == "unknown" then
    err.message = err.message .. LOST_TOKEN
  end
  return result, err
end

---Sets the time that a call may take, retries included.
---@param seconds number more than 0
---@return true?
---@return octostore.Error?
function Client:set_timeout(seconds)
  if type(seconds) ~= "number" then
    error(("bad argument 'seconds' to 'set_timeout' (number expected, got %s)"):format(type(seconds)), 2)
  end
  local problem = options.check_number("set_timeout", "seconds", seconds, 0, true)
  if problem then
    return nil, problem
  end
  self._parts.timeout = seconds
  return true
end

---The call behind scoped locks: as acquire_lock with options, with the time it was sent at.
---@return octostore.Acquired?
---@return octostore.Error?
---@return number? started_at
function Client:_acquire(name, given, level)
  local metadata, problem = encode_metadata(given)
  if problem then
    return nil, problem
  end
  local result, err, started_at = exchange.call(self._parts, level, "acquire_lock", given, name, nil, metadata)
  return result, err, started_at
end

---Checks the arguments of such a call without making it. Raises for wrong types.
---@return octostore.Error?
function Client:_check_acquire(name, given, level)
  local metadata, problem = encode_metadata(given)
  return problem or exchange.check(self._parts, level + 1, "acquire_lock", given, name, nil, metadata)
end

---Makes a session for locks of this client, or of others with the same token: give it to them as the
---option `session`. Without one a client's locks are held in a session of its own, which is made with
---the first of them. Close it to end it, and every lock in it at once.
---@param given octostore.SessionOptions?
---@return octostore.Session?
---@return octostore.Error?
function Client:session(given)
  local ok, problem = pcall(session.check, "session", given)
  if not ok then
    error(problem, 2)
  elseif problem then
    return nil, problem
  end
  local made, err = session.open(self._parts, 2, given)
  return made, err
end

---Acquires a lock and returns it held; see octostore.Lock. It is exclusive between all clients and
---processes, also those that share a token, and within this process; it is renewed in the background.
---@param name string
---@param given octostore.LockOptions?
---@return octostore.Lock?
---@return octostore.Error?
function Client:lock(name, given)
  local held, err = scoped.acquire(self, name, given, 2)
  return held, err
end

---Keeps `return pass(f())` from being a tail call of f, which would hide the caller's frame.
local function pass(...)
  return ...
end

---Acquires a lock, runs body(lock), and releases the lock on every path.
---Like pcall: true and what the body returned; nil and an error when the lock was not acquired, or
---when it was lost on the way (kind "lock_lost", the body's results in `err.results`). An error in
---the body is raised again after the release, a string with the body's traceback.
---@param name string
---@param given octostore.LockOptions?
---@param body fun(lock: octostore.Lock): ...
---@return true?
---@return any ...
function Client:with_lock(name, given, body)
  if type(body) ~= "function" then
    error(("bad argument 'body' to 'with_lock' (function expected, got %s)"):format(type(body)), 2)
  end
  return pass(scoped.with(self, name, given, body, 3))
end

---Acquires several locks, all or none of them, runs body(locks), and releases them on every path. They
---are acquired in the order of their names within one `wait`; what was acquired before one that cannot
---be had is released again. Returns as with_lock does; a refusal names the lock in `err.name`.
---@param names string[]
---@param given octostore.LockOptions? without lock_delay
---@param body fun(locks: octostore.Locks): ...
---@return true?
---@return any ...
function Client:with_locks(names, given, body)
  if type(body) ~= "function" then
    error(("bad argument 'body' to 'with_locks' (function expected, got %s)"):format(type(body)), 2)
  end
  return pass(many.with(self, names, given, body, 3))
end

---A semaphore: up to `slots` holders of the name at a time. All who use it must agree on the number:
---those with another one have slots of their own.
---@param name string
---@param slots integer 1 to 100
---@return octostore.Semaphore?
---@return octostore.Error?
function Client:semaphore(name, slots)
  local made, err = semaphore.new(self, name, slots, 3)
  return made, err
end

---Ends the client, its sessions and every lock in them. Harmless when it has ended already; calls made
---later fail.
function Client:close()
  local parts = self._parts
  if not parts.closed then
    session.close_all(parts)
    if parts.token_scope then
      parts.token_scope:close(parts.now(), 0)
    end
    keeping.deliver(parts)
    keeping.close(parts)
    if self._owns_driver then
      parts.driver:close()
    end
  end
  parts.closed = true
end

Client.__close = Client.close

---A client that is forgotten makes no requests of its own: the background ends its sessions.
function Client:__gc()
  if not self._parts.closed and self._owns_driver then
    self._parts.driver:close()
  end
  self._parts.closed = true
end

function Client:__tostring()
  return ("octostore.client(%s%s)"):format(self._parts.endpoint:base_url(), self._parts.closed and ", closed" or "")
end

local client = {}

---@param given octostore.Options
---@return octostore.Client?
---@return octostore.Error?
function client.new(given)
  local parts, problem = config.build(given)
  if not parts then
    return nil, problem
  end
  return setmetatable({ _parts = parts, _owns_driver = type(given.driver) ~= "table" }, Client)
end

return client
