-- Times of the service: whole microseconds since 1970, exact in a double.
-- May use: nothing.

local time = {}

time.SECOND = 1000000

---@param seconds number since 1970
---@return number microseconds
function time.from_seconds(seconds)
  return math.floor(seconds * time.SECOND + 0.5)
end

---Whole milliseconds from one time to a later one; 0 when it is not later.
function time.ms_until(later, now)
  return math.max(0, math.floor((later - now) / 1000))
end

-- The civil date of a day number, counted in 400-year eras that begin in March.
local function civil(days)
  local z = days + 719468
  local era = math.floor(z / 146097)
  local day_of_era = z - era * 146097
  local leap_days = math.floor(day_of_era / 1460) - math.floor(day_of_era / 36524) + math.floor(day_of_era / 146096)
  local year_of_era = math.floor((day_of_era - leap_days) / 365)
  local day_of_year = day_of_era - (365 * year_of_era + math.floor(year_of_era / 4) - math.floor(year_of_era / 100))
  local month = math.floor((5 * day_of_year + 2) / 153)
  local day = day_of_year - math.floor((153 * month + 2) / 5) + 1
  month = month < 10 and month + 3 or month - 9
  return year_of_era + era * 400 + (month <= 2 and 1 or 0), month, day
end

-- The fraction in the fewest digits of 0, 3 and 6 that hold it.
local function fraction(micros)
  if micros == 0 then
    return ""
  elseif micros % 1000 == 0 then
    return (".%03d"):format(micros / 1000)
  end
  return (".%06d"):format(micros)
end

---RFC 3339 text.
---@param at number microseconds since 1970
---@param offset string? "Z" by default; administrative routes write "+00:00"
---@return string
function time.format(at, offset)
  local seconds = math.floor(at / time.SECOND)
  local year, month, day = civil(math.floor(seconds / 86400))
  local of_day = seconds % 86400
  return ("%04d-%02d-%02dT%02d:%02d:%02d%s%s"):format(
    year,
    month,
    day,
    math.floor(of_day / 3600),
    math.floor(of_day / 60) % 60,
    of_day % 60,
    fraction(at - seconds * time.SECOND),
    offset or "Z"
  )
end

return time
