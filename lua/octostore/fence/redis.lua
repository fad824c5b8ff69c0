-- Scripts that write to Redis unless a newer fencing token has written before.
-- May use: nothing. Texts only, for EVAL or SCRIPT LOAD: the caller's driver sends them.
-- Redis runs a script as one step. Its Lua has doubles only, so tokens are compared as text, by length first.

local redis = {}

---Sets a string. EVAL set 2 VALUE-KEY FENCE-KEY TOKEN VALUE answers 1: written, or 0: refused, the token is stale. The
---token is in decimal digits, from fence.tostring; anything else is an error reply, and nothing is written.
---The fence's key must live as long as stale writers may: no expiry, no eviction. In a cluster both keys need one hash
---tag: "report:{daily}", "fence:{daily}".
redis.set = [[
local function is_token(text)
  if text == "0" then return true end
  if not text:find("^[1-9][0-9]*$") or #text > 19 then return false end
  return #text < 19 or text <= "9223372036854775807"
end

local value, fence = KEYS[1], KEYS[2]
local token = ARGV[1]
local highest = redis.call("GET", fence) or "0"
if not (is_token(token) and is_token(highest)) then
  return redis.error_reply("ERR not a fencing token")
end
if #token < #highest or (#token == #highest and token < highest) then
  return 0
end
redis.call("SET", fence, token)
redis.call("SET", value, ARGV[2])
return 1
]]

return redis
