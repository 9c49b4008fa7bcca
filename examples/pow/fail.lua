-- Works for a moment, then meets what it cannot mend.

local function run(job)
  for _, step in ipairs{"Looking for the key", "Trying the door", "Pushing"} do
    job:write(step, "…\n")
    if not job:sleep("200ms") then return nil, job:cause() end
  end
  job:write("\27[31mIt does not open.\27[0m\n")
  return nil, "the door is locked"
end

return {run = run}
