-- Says of each test whether it held; the Python side reads the lines.
local check = {}

function check.same(found, expected, what)
    if found ~= expected then
        error((what or "value") .. ": found " .. tostring(found) .. ", expected " .. tostring(expected), 2)
    end
end

function check.yes(found, what)
    if not found then
        error((what or "value") .. " is " .. tostring(found), 2)
    end
end

-- A call that failed with an error of this kind: check.fails("NotFound", f())
function check.fails(kind, value, problem)
    if value ~= nil and value ~= false then
        error("succeeded with " .. tostring(value), 2)
    end
    if problem == nil or problem:kind() ~= kind then
        error("error is " .. tostring(problem and (problem:kind() .. ": " .. problem:message())), 2)
    end
end

-- Raises, and the message has this text in it.
function check.raises(text, f, ...)
    local good, problem = pcall(f, ...)
    if good then
        error("it did not raise", 2)
    end
    if not tostring(problem):find(text, 1, true) then
        error("it raised: " .. tostring(problem), 2)
    end
end

function check.run(name, tests)
    for _, one in ipairs(tests) do
        local good, problem = pcall(one[2])
        local why = good and "" or tostring(problem):gsub("%s+", " ")
        print((good and "held" or "FAILED") .. "|" .. name .. ": " .. one[1] .. "|" .. why)
    end
    print("finished " .. name)
end

return check
