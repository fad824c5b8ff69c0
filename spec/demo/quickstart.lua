-- `make demo`: runs the README's quick start and prints what it prints.
-- May use: octostore, spec.support. With OCTOSTORE_BASE_URL and OCTOSTORE_TOKEN set it runs against
-- that server, without the rotation, which would take the user's token away; otherwise it starts
-- the embedded service on a free loopback port.

local readme = require "spec.support.readme"

local function section(title)
  print("\n-- " .. title)
end

---The examples take base URL and token from the environment, which Lua cannot set for itself.
local function pretend_environment(values)
  local getenv = os.getenv
  os.getenv = function(name) -- luacheck: ignore 122
    return values[name] or getenv(name)
  end
end

local function run_examples(base_url, token, rotate)
  pretend_environment { OCTOSTORE_BASE_URL = base_url, OCTOSTORE_TOKEN = token }
  section("quick start at " .. base_url)
  readme.run("quickstart")
  section("a scoped lock")
  readme.run("scoped")
  if rotate then
    section("token rotation")
    readme.run("rotation")
  end
end

local base_url, token = os.getenv("OCTOSTORE_BASE_URL"), os.getenv("OCTOSTORE_TOKEN")
if base_url and token then
  run_examples(base_url, token, false)
  print("\n(the token rotation is left out: it would replace your token)")
  return
end

local server = require("spec.support.servers").embedded {}
local ok, problem = pcall(run_examples, server.base_url, server.tokens.alice, true)
server:stop()
if not ok then
  io.stderr:write("demo failed: ", tostring(problem), "\n")
  os.exit(1)
end
print("\ndemo: every step succeeded, against the embedded service (a double for tests and first steps)")
