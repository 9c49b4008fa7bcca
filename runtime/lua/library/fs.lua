-- fs: files below the folder of a fs.directory entry.
local native = ...

-- As file_operation and write_mode in volume.hpp.
local stat, list, read, write, make_folder, remove, sync = 0, 1, 2, 3, 4, 5, 6
local at_offset, truncate, append, create = 0, 1, 2, 3
local everything = math.maxinteger

local function path_of(self, path)
    if type(path) ~= "string" then
        return fail(errors.INVALID, "a path must be a text, got %s", type(path))
    end
    if path:sub(1, 1) == "/" then
        return path
    end
    return self.folder .. "/" .. path
end

local function run(self, operation, path, ...)
    local full, problem = path_of(self, path)
    if not full then
        return nil, problem
    end
    return native.run(self.id, operation, full, ...)
end

local write_modes = { w = truncate, a = append, wx = create }

local function data_problem(data)
    if type(data) == "string" then
        return nil
    end
    return select(2, fail(errors.INVALID, "what is written must be a text or a stream, got %s", type(data)))
end

-- What changes something says false, not nil, when it failed.
local function done(good, problem)
    return good or false, problem
end

local chunk_size = 65536

-- The next bytes of a file; "" at its end.
local function take(self, size)
    if self.closed or not self.reads then
        return fail(errors.INVALID, self.closed and "the file was closed" or "the file was not opened for reading")
    end
    local data, problem = native.run(self.id, read, self.path, "", self.at, size)
    if problem then
        return nil, problem
    end
    self.at = self.at + #(data or "")
    return data or ""
end

-- How a scanner cuts: where its next token lies in the text and where the search goes on behind it; nothing:
-- more must be read first.
local splits = {
    lines = function(text, at, ended)
        local stop = text:find("\n", at, true) or ended and at <= #text and #text + 1
        if stop then
            return at, text:byte(stop - 1) == 13 and stop > at and stop - 2 or stop - 1, stop + 1
        end
    end,
    words = function(text, at, ended)
        local first, last = text:find("%S+", at)
        if first and (ended or last < #text) then
            return first, last, last + 1
        end
    end,
    bytes = function(text, at)
        if at <= #text then
            return at, at, at + 1
        end
    end,
    runes = function(text, at, ended)
        local first, last = text:find("^[%z\1-\127\192-\255]?[\128-\191]*", at)
        if last >= first and (ended or last < #text) then
            return first, last, last + 1
        end
    end,
}
local token_max = 1024 * 1024

local scanner = class("scanner", {
    scan = function(self)
        while not self.problem do
            local first, last, after = self.split(self.rest, self.at, self.ended)
            if first then
                self.token, self.at = self.rest:sub(first, last), after
                return true
            end
            if self.ended then
                break
            end
            local more
            more, self.problem = take(self.file, chunk_size)
            self.rest, self.at, self.ended = self.rest:sub(self.at) .. (more or ""), 1, more == ""
            if #self.rest > token_max + chunk_size then
                self.problem = select(2, fail(errors.INVALID, "a piece of the file is longer than 1 MiB"))
            end
        end
        self.token = ""
        return false
    end,
    text = function(self) return self.token end,
    err = function(self) return self.problem end,
})

local file = class("file", {
    read = function(self, size)
        if size ~= nil and (math.type(size) ~= "integer" or size < 1) then
            return fail(errors.INVALID, "the number of bytes must be a whole number above 0, got %s", tostring(size))
        end
        local data, problem = take(self, size or everything)
        if data == "" then
            return fail(errors.NOT_FOUND, "EOF")
        end
        return data, problem
    end,
    scanner = function(self, split)
        local cut = splits[split or "lines"]
        if not cut then
            return fail(errors.INVALID, "a scanner splits into lines, words, runes or bytes, got %s", tostring(split))
        end
        return scanner({ file = self, split = cut, rest = "", at = 1, ended = false, token = "" })
    end,
    write = function(self, data)
        if self.closed or not self.writes then
            return fail(errors.INVALID, self.closed and "the file was closed" or "the file was not opened for writing")
        end
        local problem = data_problem(data)
        if problem then
            return nil, problem
        end
        local good
        good, problem = native.run(self.id, write, self.path, data, self.at, 0, self.appends and append or at_offset)
        if good then
            self.at = self.at + #data
        end
        return good, problem
    end,
    seek = function(self, whence, offset)
        offset = offset or 0
        local from = 0
        if whence == "cur" then
            from = self.at
        elseif whence == "end" then
            local facts, problem = native.run(self.id, stat, self.path)
            if not facts then
                return nil, problem
            end
            from = facts.size
        elseif whence ~= "set" then
            return fail(errors.INVALID, "seek takes fs.seek.SET, CUR or END, got %s", tostring(whence))
        end
        if math.type(offset) ~= "integer" or from + offset < 0 then
            return fail(errors.INVALID, "there is no place %s", tostring(offset))
        end
        self.at = from + offset
        return self.at
    end,
    lines = function(self)
        local rest, ended = "", false
        return function()
            while true do
                local line, after = rest:match("^(.-)\r?\n()")
                if line then
                    rest = rest:sub(after)
                    return line
                end
                if ended then
                    line, rest = rest, ""
                    return line ~= "" and line or nil
                end
                local more, problem = take(self, chunk_size)
                if problem then
                    error(problem, 2)
                end
                ended = more == ""
                rest = rest .. more
            end
        end
    end,
    stat = function(self)
        return native.run(self.id, stat, self.path)
    end,
    sync = function(self)
        return native.run(self.id, sync, self.path)
    end,
    close = function(self)
        self.closed = true
        return true
    end,
})

local function read_file(self, path)
    return run(self, read, path, "", 0, everything)
end

-- A stream is whatever gives its next bytes with read(n): of a request, of an upload, of a client, a file.
local function is_stream(data)
    if type(data) ~= "userdata" and not objects[data] then
        return false
    end
    local good, method = pcall(function() return data.read end)
    return good and type(method) == "function"
end

local function write_stream(self, path, stream, how)
    local good, problem = run(self, write, path, "", 0, 0, how)
    while good do
        local part
        part, problem = stream:read(chunk_size)
        if part == nil or part == "" then
            if problem and problem:message() ~= "EOF" then
                return false, problem
            end
            return true
        end
        good, problem = run(self, write, path, part, 0, 0, append)
    end
    return false, problem
end

local function write_file(self, path, data, mode)
    local how = write_modes[mode or "w"]
    if not how then
        return done(fail(errors.INVALID, "the mode must be w, a or wx, got %s", tostring(mode)))
    end
    if type(data) ~= "string" and is_stream(data) then
        return write_stream(self, path, data, how)
    end
    local problem = data_problem(data)
    if problem then
        return false, problem
    end
    return done(run(self, write, path, data, 0, 0, how))
end

local function read_dir(self, path)
    local found, problem = run(self, list, path or ".")
    if not found then
        return nil, problem
    end
    local place = 0
    return function()
        place = place + 1
        return found[place]
    end
end

local open_modes = {
    r = { reads = true }, ["r+"] = { reads = true, writes = true },
    w = { writes = true, how = truncate }, ["w+"] = { reads = true, writes = true, how = truncate },
    a = { writes = true, appends = true, how = append }, wx = { writes = true, how = create },
}

local volume = class("volume", {
    readfile = read_file, read_file = read_file,
    writefile = write_file, write_file = write_file,
    readdir = read_dir, read_dir = read_dir,
    stat = function(self, path) return run(self, stat, path) end,
    exists = function(self, path)
        local facts, problem = run(self, stat, path)
        if not facts and problem:kind() ~= errors.NOT_FOUND then
            return nil, problem
        end
        return facts ~= nil
    end,
    isdir = function(self, path)
        local facts, problem = run(self, stat, path)
        if not facts and problem:kind() ~= errors.NOT_FOUND then
            return nil, problem
        end
        return facts ~= nil and facts.is_dir
    end,
    mkdir = function(self, path) return done(run(self, make_folder, path)) end,
    remove = function(self, path) return done(run(self, remove, path)) end,
    pwd = function(self) return self.folder == "" and "/" or self.folder end,
    chdir = function(self, path)
        local facts, problem = run(self, stat, path)
        if not facts then
            return false, problem
        end
        if not facts.is_dir then
            return done(fail(errors.INVALID, "%s is no folder", path))
        end
        local steps = {}
        for step in path_of(self, path):gmatch("[^/]+") do
            if step == ".." then
                steps[#steps] = nil
            elseif step ~= "." then
                steps[#steps + 1] = step
            end
        end
        self.folder = #steps == 0 and "" or "/" .. table.concat(steps, "/")
        return true
    end,
    open = function(self, path, mode)
        local how = open_modes[mode or "r"]
        if not how then
            return fail(errors.INVALID, "the mode must be r, r+, w, w+, a or wx, got %s", tostring(mode))
        end
        local full, problem = path_of(self, path)
        if not full then
            return nil, problem
        end
        local facts
        if how.how then
            facts, problem = native.run(self.id, write, full, "", 0, 0, how.how)
        else
            facts, problem = native.run(self.id, stat, full)
            if facts and facts.is_dir then
                return fail(errors.INVALID, "%s is a folder", path)
            end
        end
        if not facts then
            return nil, problem
        end
        return file({ id = self.id, path = full, at = 0, reads = how.reads, writes = how.writes, appends = how.appends })
    end,
})

return {
    get = function(id)
        if type(id) ~= "string" or id == "" then
            return fail(errors.INVALID, "fs.get takes the id of a fs.directory entry")
        end
        if not native.has_volume(id) then
            return fail(errors.NOT_FOUND, "no fs.directory entry '%s'", id)
        end
        return volume({ id = id, folder = "" })
    end,
    type = { FILE = "file", DIR = "directory" },
    seek = { SET = "set", CUR = "cur", END = "end" },
}
