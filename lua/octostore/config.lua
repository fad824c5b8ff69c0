-- Configuration: what octostore.new was given, the environment's share, and the defaults.
-- May use: native, errors, options, retry, session. Reads OCTOSTORE_BASE_URL, OCTOSTORE_TOKEN.

local errors = require "octostore.errors"
local native = require "octostore.native"
local options = require "octostore.options"
local retry = require "octostore.retry"
local session = require "octostore.session"

local config = {}

---@class octostore.Options
---@field base_url string? default: OCTOSTORE_BASE_URL, else https://api.octostore.io
---@field token string? default: OCTOSTORE_TOKEN
---@field token_file string? path of a file that holds the token; only its owner may read it
---@field timeout number? seconds for a whole call, retries included (default 30)
---@field connect_timeout number? seconds to make a connection (default 5)
---@field retry octostore.RetryOptions|boolean? false for no retries
---@field driver string|octostore.Driver|nil "blocking" (default), or a driver of one's own
---@field ca_file string? PEM bundle to trust instead of the system's
---@field proxy string? URL of a proxy; none is used otherwise, whatever the environment says
---@field allow_insecure_http boolean? send the token over cleartext http beyond loopback
---@field on_event fun(event: octostore.Event)? called with what happens beside the calls
---@field session octostore.SessionOptions? of the session that the client's locks are held in

---A driver moves bytes and waits, all times in seconds; one of its own keeps a host's loop going meanwhile.
---@class octostore.Driver
---@field send fun(self, request: table, timeout: number, connect_timeout: number, cancel: table?): table?, table?
---one exchange, answered with { status, headers, body, repeated }, or nil and an error of native.fault
---@field sleep fun(self, seconds: number, cancel: octostore.Cancellation?)
---@field close fun(self)?
---@field now nil|fun(self): number the clock that deadlines are counted on; C's when it is absent

local DEFAULT_BASE_URL = "https://api.octostore.io"
local DEFAULT_TIMEOUT = 30
local DEFAULT_CONNECT_TIMEOUT = 5
local DRIVERS = { blocking = "octostore.driver.blocking" }

local TYPES = {
  base_url = { "string" },
  token = { "string" },
  token_file = { "string" },
  timeout = { "number" },
  connect_timeout = { "number" },
  retry = { "table", "boolean" },
  driver = { "string", "table" },
  ca_file = { "string" },
  proxy = { "string" },
  allow_insecure_http = { "boolean" },
  on_event = { "function" },
  session = { "table" },
}

local unpack = table.unpack or unpack

local function check_types(given)
  for name, types in pairs(TYPES) do
    options.check_type("new", name, given[name], unpack(types))
  end
end

local function environment(name)
  local value = os.getenv(name)
  return value ~= "" and value or nil
end

---The options of the three forms of octostore.new as one table.
---@return octostore.Options
function config.gather(first, token)
  if type(first) == "table" then
    options.check_type("new", "token", token, "nil")
    return first
  end
  options.check_type("new", "base_url", first, "string", "table")
  options.check_type("new", "token", token, "string")
  return { base_url = first, token = token }
end

local function read_token(given)
  if given.token and given.token_file then
    return nil, errors.validation("token_file", "new: give token or token_file, not both")
  end
  if given.token_file then
    return native.read_token_file(given.token_file)
  end
  return given.token or environment("OCTOSTORE_TOKEN")
end

local function make_endpoint(given)
  local token, problem = read_token(given)
  if problem then
    return nil, problem
  end
  local base_url = given.base_url or environment("OCTOSTORE_BASE_URL") or DEFAULT_BASE_URL
  return native.endpoint(base_url, token, nil, given.allow_insecure_http or false)
end

local function is_driver(driver)
  return type(driver.send) == "function" and type(driver.sleep) == "function"
end

local function make_driver(given, endpoint)
  local driver = given.driver or "blocking"
  if type(driver) == "table" then
    if is_driver(driver) then
      return driver
    end
    return nil, errors.validation("driver", "new: driver must have the functions send and sleep")
  end
  local module = DRIVERS[driver]
  if not module then
    return nil, errors.validation("driver", ("new: driver must be 'blocking' or a driver (got '%s')"):format(driver))
  end
  return require(module).new({ secure = endpoint:is_secure(), ca_file = given.ca_file, proxy = given.proxy })
end

local function problem_of(given)
  local problem = options.unknown("new", given, TYPES)
    or options.check_number("new", "timeout", given.timeout or DEFAULT_TIMEOUT, 0, true)
    or options.check_number("new", "connect_timeout", given.connect_timeout or DEFAULT_CONNECT_TIMEOUT, 0, true)
  if not problem and given.ca_file and not native.is_readable(given.ca_file) then
    problem = errors.validation("ca_file", ("new: ca_file must be a readable file (got '%s')"):format(given.ca_file))
  end
  return problem
end

---The clock that deadlines are counted on: C's, but for a driver that brings one along (the testing
---driver does).
local function clock_of(driver)
  if driver.now then
    return function()
      return driver:now()
    end
  end
  return native.now
end

---Checks the options and makes everything that a client is made of.
---@param given octostore.Options
---@return table? parts what the modules of a client share
---@return octostore.Error?
function config.build(given)
  check_types(given)
  local problem = session.check("new", given.session) or problem_of(given)
  if problem then
    return nil, problem
  end
  local endpoint, driver, retries
  endpoint, problem = make_endpoint(given)
  if endpoint then
    retries, problem = retry.new(given.retry)
  end
  if retries then
    driver, problem = make_driver(given, endpoint)
  end
  if not driver then
    return nil, errors.wrap(problem)
  end
  return {
    endpoint = endpoint,
    driver = driver,
    now = clock_of(driver),
    retry = retries,
    timeout = given.timeout or DEFAULT_TIMEOUT,
    connect_timeout = given.connect_timeout or DEFAULT_CONNECT_TIMEOUT,
    on_event = given.on_event,
    token_file = given.token_file,
    ca_file = given.ca_file,
    proxy = given.proxy,
    session_options = given.session,
    sessions = setmetatable({}, { __mode = "k" }), -- all that the client has made
    refusals = setmetatable({}, { __mode = "v" }), -- name -> what a waiter was told last
  }
end

return config
