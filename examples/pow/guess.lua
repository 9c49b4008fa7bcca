-- A game: the job thinks of a number, the client guesses.
--
--   arguments   the highest number (default 100), the number itself (for those who test it)
--   result      {tries = n}

local function run(job, highest, secret)
  highest = math.tointeger(tonumber(highest or 100))
  if not highest or highest < 2 then return nil, "the highest number must be 2 or more" end
  secret = tonumber(secret) or math.random(highest)

  job:write("I think of a number from 1 to ", highest, ".\n")
  local tries = 0
  while true do
    job:write("\27[1mYour guess?\27[0m ")
    local line, cause = job:read_line()
    if not line then
      job:write("\nIt was ", secret, ".\n")
      return nil, cause or "given up"
    end
    local guess = tonumber(line)
    if not guess then
      job:write("That is no number.\n")
    else
      tries = tries + 1
      if guess == secret then
        job:write("\27[32mYes!\27[0m\n")
        return {tries = tries}
      end
      job:write(guess < secret and "More.\n" or "Less.\n")
    end
  end
end

return {run = run}
