-- Runs a job: makes the `job` object and hands it to the application's function.
--
-- What travels between a job's process and its actor:
--   to the actor    job.read (one piece, please), job.write, job.write_error, job.finish, job.fail
--   to the process  job.input, job.input.end, job.room (bytes the client has taken), job.cancel

local json = require("json")
local time = require("time")
local channel, coroutine, process = channel, coroutine, process
local error, select, tostring, type = error, select, tostring, type

local window = 64 * 1024 -- bytes written ahead of the client
local cost = 64          -- of a message, so that many tiny ones count as well

local job = {}
job.__index = job
local private = setmetatable({}, {__mode = "k"}) -- what is no business of the script

-- Messages of the job's actor; whatever others send under these topics is dropped.
local function receive(self, from)
  while true do
    local message, ok = from:receive()
    if not ok then return nil end
    if message:from() == self.pid then return message end
  end
end

local function note_cancel(self, cause)
  local inner = private[self]
  if inner.cause then return end
  inner.cause = cause
  self.cancellation:close()
end

-- A job that never waits sees its cancellation as well: who listens for it has no turn then.
local function look_for_cancel(self)
  local inner = private[self]
  while not inner.cause do
    local got = channel.select{inner.cancels:case_receive(), default = true}
    if got.default then return false end
    if got.ok and got.value:from() == self.pid then
      note_cancel(self, got.value:payload():data())
    end
  end
  return true
end

function job:cancelled() return look_for_cancel(self) end

function job:cause()
  look_for_cancel(self)
  return private[self].cause
end

local function send_output(self, topic, text)
  if type(text) == "number" then text = tostring(text) end
  if type(text) ~= "string" then
    error(("a job writes text, got %s"):format(type(text)), 3)
  end
  local inner = private[self]
  process.send(self.pid, topic, text)
  inner.ahead = inner.ahead + #text + cost
  while inner.ahead > window do
    inner.ahead = inner.ahead - receive(self, inner.room):payload():data()
  end
end

function job:write(...)
  for i = 1, select("#", ...) do send_output(self, "job.write", (select(i, ...))) end
end

function job:write_error(...)
  for i = 1, select("#", ...) do send_output(self, "job.write_error", (select(i, ...))) end
end

-- The next piece from the client; nil at the end of input, nil and the cause when cancelled.
local function next_piece(self)
  if look_for_cancel(self) then return nil, private[self].cause end
  local got = channel.select{self.cancellation:case_receive(), self.input:case_receive()}
  if got.channel == self.cancellation then return nil, private[self].cause end
  return got.value
end

function job:read()
  local inner = private[self]
  if inner.rest ~= "" then
    local piece = inner.rest
    inner.rest = ""
    return piece
  end
  return next_piece(self)
end

function job:read_line()
  local inner = private[self]
  while true do
    local at = inner.rest:find("\n", 1, true)
    if at then
      local line = inner.rest:sub(1, at - 1)
      inner.rest = inner.rest:sub(at + 1)
      return (line:gsub("\r$", ""))
    end
    if #inner.rest > inner.line_max then
      error(("a line of more than %d bytes"):format(inner.line_max), 2)
    end
    local piece, cause = next_piece(self)
    if cause then return nil, cause end
    if not piece then
      local line = inner.rest
      inner.rest = ""
      if line == "" then return nil end
      return line
    end
    inner.rest = inner.rest .. piece
  end
end

function job:lines()
  return function() return (self:read_line()) end
end

function job:sleep(duration)
  if look_for_cancel(self) then return false, private[self].cause end
  local got = channel.select{self.cancellation:case_receive(), time.after(duration):case_receive()}
  if got.channel == self.cancellation then return false, private[self].cause end
  return true
end

local function pump_input(self, from)
  while true do
    process.send(self.pid, "job.read")
    local message = receive(self, from)
    if not message or message:topic() == "job.input.end" then break end
    self.input:send(message:payload():data())
  end
  self.input:close()
end

return function(pid, method, name, arguments, request)
  local self = setmetatable({
    pid = pid,
    name = name,
    arguments = arguments or {},
    request = request,
    input = channel.new(0),
    cancellation = channel.new(0),
  }, job)
  private[self] = {
    cancels = process.listen("job.cancel", {message = true}),
    room = process.listen("job.room", {message = true}),
    ahead = 0,
    rest = "",
    line_max = 1024 * 1024,
  }
  local pieces = process.listen("job.input.**", {message = true})
  local run = find_method(method)
  coroutine.spawn(function() pump_input(self, pieces) end)
  coroutine.spawn(function()
    local message = receive(self, private[self].cancels)
    if message then note_cancel(self, message:payload():data()) end
  end)

  local value, failure = run(self, table.unpack(self.arguments))
  if value == nil and failure ~= nil then
    process.send(pid, "job.fail", tostring(failure))
    return
  end
  local text, why = json.encode(value)
  if not text then error("the result cannot be given to a client: " .. tostring(why), 0) end
  process.send(pid, "job.finish", text)
end
