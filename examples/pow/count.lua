-- Counts, one line that is written over and over, as a terminal would show it.
--
--   arguments   how far (default 20), pause between two steps (default 100ms)
--   result      {counted = n}, or the cause when it was cancelled

local function bar(done, all)
  local full = math.floor(done / all * 20)
  return "\27[32m" .. ("#"):rep(full) .. "\27[90m" .. ("."):rep(20 - full) .. "\27[0m"
end

local function run(job, last, pause)
  last = math.tointeger(tonumber(last or 20))
  if not last or last < 1 then return nil, "how far? give a whole number from 1" end
  for i = 1, last do
    if not job:sleep(pause or "100ms") then
      job:write("\n\27[33mstopped at ", i - 1, "\27[0m\n")
      return nil, job:cause()
    end
    job:write("\r", bar(i, last), " ", i, " of ", last)
  end
  job:write("\n")
  return {counted = last}
end

return {run = run}
