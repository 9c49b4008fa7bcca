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
    return select(2, fail(errors.INVALID, "what is written must be a text, got %s", type(data)))
end

-- What a scanner gives, one after the other.
local function words_of(file)
    local lines, words = file:lines(), nil
    return function()
        while true do
            local word = words and words()
            if word then return word end
            local line = lines()
            if not line then return nil end
            words = line:gmatch("%S+")
        end
    end
end

local function length_of_rune(lead)
    return lead >= 0xF0 and 4 or lead >= 0xE0 and 3 or lead >= 0xC0 and 2 or 1
end

local function characters_of(file, length_of)
    local held, at = "", 1
    return function()
        if #held - at < 4 then
            local more, problem = file:read(65536)
            if problem then error(problem, 0) end
            held, at = held:sub(at) .. (more or ""), 1
        end
        if at > #held then return nil end
        local from = at
        at = from + length_of(held:byte(from))
        return held:sub(from, at - 1)
    end
end

local splits = {
    lines = function(file) return file:lines() end,
    words = words_of,
    bytes = function(file) return characters_of(file, function() return 1 end) end,
    runes = function(file) return characters_of(file, length_of_rune) end,
}

local scanner = class("scanner", {
    scan = function(self)
        if self.over then return false end
        local good, token = pcall(self.next)
        self.token = good and token or ""
        self.problem = not good and token or nil
        self.over = not good or token == nil
        return not self.over
    end,
    text = function(self) return self.token end,
    err = function(self) return self.problem end,
})

local file = class("file", {
    scanner = function(self, split)
        local by = splits[split or "lines"]
        if not by then
            return fail(errors.INVALID, "a scanner takes lines, words, bytes or runes, got %s", tostring(split))
        end
        if self.closed or not self.reads then
            return fail(errors.INVALID, "the file is not open for reading")
        end
        return scanner({ next = by(self), token = "", over = false })
    end,
    read = function(self, size)
        if self.closed or not self.reads then
            return fail(errors.INVALID, self.closed and "the file was closed" or "the file was not opened for reading")
        end
        if size ~= nil and (math.type(size) ~= "integer" or size < 1) then
            return fail(errors.INVALID, "the number of bytes must be a whole number above 0, got %s", tostring(size))
        end
        local data, problem = native.run(self.id, read, self.path, "", self.at, size or everything)
        if problem then
            return nil, problem
        end
        if data == nil or data == "" then
            return nil -- the end
        end
        self.at = self.at + #data
        return data
    end,
    write = function(self, data)
        if self.closed or not self.writes then
            return fail(errors.INVALID, self.closed and "the file was closed" or "the file was not opened for writing")
        end
        local problem = data_problem(data)
        if problem then
            return nil, problem
        end
        local done
        done, problem = native.run(self.id, write, self.path, data, self.at, 0, self.appends and append or at_offset)
        if done then
            self.at = self.at + #data
        end
        return done, problem
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
                local more, problem = self:read(65536)
                if problem then
                    error(problem, 2)
                end
                ended = more == nil
                rest = rest .. (more or "")
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

-- Everything that is left of a file or a stream.
local function rest_of(source)
    local parts = {}
    while true do
        local part, problem = source:read(65536)
        if problem then return nil, problem end
        if not part then return table.concat(parts) end
        parts[#parts + 1] = part
    end
end

local function write_file(self, path, data, mode)
    local how = write_modes[mode or "w"]
    if not how then
        return fail(errors.INVALID, "the mode must be w, a or wx, got %s", tostring(mode))
    end
    local problem
    if type(data) == "table" and type(data.read) == "function" then
        data, problem = rest_of(data)
    end
    problem = problem or data_problem(data)
    if problem then
        return nil, problem
    end
    return run(self, write, path, data, 0, 0, how)
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
    mkdir = function(self, path) return run(self, make_folder, path) end,
    remove = function(self, path) return run(self, remove, path) end,
    pwd = function(self) return self.folder == "" and "/" or self.folder end,
    chdir = function(self, path)
        local facts, problem = run(self, stat, path)
        if not facts then
            return nil, problem
        end
        if not facts.is_dir then
            return fail(errors.INVALID, "%s is no folder", path)
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
