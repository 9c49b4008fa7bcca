local http, http_client, websocket = require("http"), require("http_client"), require("websocket")
local json, time = require("json"), require("time")

local function same(found, expected)
    if found ~= expected then
        error("found " .. tostring(found) .. ", expected " .. tostring(expected), 2)
    end
end

local function tests(base, socket_base)
    return {
        get = function()
            local answer = http_client.get(base .. "/echo", { query = { q = "a b" }, headers = { ["X-Word"] = "w" } })
            same(answer.status_code, 200)
            local told = json.decode(answer.body)
            same(told.method .. told.q .. told.word, "GETa bw")
            same(answer.headers["x-two-words"] .. answer.headers["X-Two-Words"], "herehere")
            same(answer.cookies.seen, "yes")
            same(answer.body_size, #answer.body)
        end,
        post = function()
            local told = json.decode(http_client.post(base .. "/echo", { form = { a = "1 2", b = { "x", "y" } },
                auth = { user = "u", pass = "p" }, cookies = { c = "d" } }).body)
            same(told.body, "a=1+2&b=x&b=y")
            same(told.type, "application/x-www-form-urlencoded")
            same(told.auth, "Basic dTpw")
            same(told.cookie, "c=d")
            same(json.decode(http_client.post(base .. "/echo", { body = "raw" }).body).body, "raw")
        end,
        upload = function()
            local told = json.decode(http_client.post(base .. "/form", { form = { title = "T" },
                files = { { name = "photo", filename = "a.png", content = "\1bytes\r\n--", content_type = "image/png" } } }).body)
            same(told.title .. told.name .. told.type, "Ta.pngimage/png")
            same(told.content, "\1bytes\r\n--")
            same(told.size, 10)
        end,
        no_form = function()
            local answer = http_client.post(base .. "/form", { body = "x" })
            same(answer.status_code, 400)
            same(json.decode(answer.body).kind, "Invalid")
            answer = http_client.post(base .. "/form", { body = "--b\r\nhalf", headers = { ["Content-Type"] = "multipart/form-data; boundary=b" } })
            same(answer.status_code, 400)
        end,
        redirect = function()
            local answer = http_client.get(base .. "/away")
            same(json.decode(answer.body).q, "moved")
            same(answer.url, base .. "/echo?q=moved")
            -- a URL in the query makes the target no URL
            answer = http_client.get(base .. "/away", { query = { to = "/echo?q=http://other.example/" } })
            same(json.decode(answer.body).q, "http://other.example/")
            answer = http_client.get(base .. "/away", { query = { to = "//127.0.0.1:" .. base:match("%d+$") .. "/echo?q=near" } })
            same(json.decode(answer.body).q, "near")
            answer = http_client.get(base .. "/away", { query = { to = base .. "/echo?q=far" } })
            same(json.decode(answer.body).q, "far")
        end,
        stream = function()
            local answer = http_client.get(base .. "/echo", { stream = true })
            same(answer.body, nil)
            same(answer.stream:read(1), "{")
            answer.stream:close()
            same(answer.stream:read(1), nil)
        end,
        batch = function()
            local answers, problems = http_client.request_batch({ { "GET", base .. "/echo" }, { "POST", base .. "/echo", { body = "x" } } })
            same(problems, nil)
            same(json.decode(answers[2].body).body, "x")
            answers, problems = http_client.request_batch({ { "GET", base .. "/echo" }, { "GET", "http://127.0.0.1:1/" } })
            same(answers[1].status_code, 200)
            same(problems[2]:kind(), "Unavailable")
            same(select(2, http_client.request_batch({ { "GET", base .. "/echo" }, 7 })):kind(), "Invalid")
        end,
        mistakes = function()
            same(select(2, http_client.get("nonsense")):kind(), "Invalid")
            same(select(2, http_client.get(base .. "/a b")):kind(), "Invalid")
            same(select(2, http_client.get(base, { headers = { ["X\r\n"] = "y" } })):kind(), "Invalid")
            local _, err = http_client.get("http://127.0.0.1:1/")
            same(err:kind() .. tostring(err:retryable()), "Unavailabletrue")
            same(select(2, http_client.get(base .. "/slow", { timeout = 0.2 })):kind(), "Timeout")
            same(http_client.get(base .. "/echo", { timeout = "2562047h" }).status_code, 200) -- past the end of the clock
        end,
        injections = function()
            for _, given in ipairs({ { cookies = { sid = "x\r\nInjected: yes" } }, { cookies = { ["a\r\nb"] = "x" } },
                { cookies = { sid = "x; admin=1" } }, { headers = { ["X-A"] = "1\r\nInjected: yes" } },
                { headers = { ["X-A"] = "1\0" } }, { headers = { ["X A"] = "1" } },
                { files = { { name = "f", content = "", content_type = "text/plain\r\nInjected: yes" } } } }) do
                local answer, err = http_client.post(base .. "/echo", given)
                same(answer, nil)
                same(err:kind(), "Invalid")
            end
            for _, given in ipairs({ { headers = { ["X-A"] = "1\r\nInjected: yes" } }, { headers = { ["X\r\nA"] = "1" } },
                { protocols = { "a\r\nInjected: yes" } }, { protocols = { "a, b" } }, { protocols = { "" } } }) do
                local client, err = websocket.connect(socket_base .. "/socket", given)
                same(client, nil)
                same(err:kind(), "Invalid")
            end
        end,
        socket = function()
            local client = websocket.connect(socket_base .. "/socket", { headers = { ["X-Any"] = "1" } })
            same(client:send("hello"), true)
            local message = client:channel():receive()
            same(message.type, "text")
            same(json.decode(message.data).data, "hello")
            same(client:ping(), true)
            client:send("close")
            local _, ok = client:receive():receive()
            same(ok, false)
            same(client:send("more"), nil)
        end,
        socket_closed_by_us = function()
            local client = websocket.connect(socket_base .. "/socket")
            same(client:close(websocket.CLOSE_CODES.NORMAL, "done"), true)
            local _, ok = client:channel():receive()
            same(ok, false)
        end,
        socket_mistakes = function()
            same(select(2, websocket.connect("http://x")):kind(), "Invalid")
            same(select(2, websocket.connect("ws://127.0.0.1:1/")):kind(), "Unavailable")
            same(select(2, websocket.connect(socket_base .. "/echo")):kind(), "Unavailable")
        end,
        socket_headers_stay_lines = function()
            same((websocket.connect(socket_base .. "/socket", { headers = { ["X-A"] = "a\r\nX-Injected: b" } })), nil)
            same((websocket.connect(socket_base .. "/socket", { protocols = { "p\r\nX-Two: c" } })), nil)
        end,
    }
end

return { handler = function()
    local req, res = http.request(), http.response()
    local port = req:query("port")
    local test = tests("http://127.0.0.1:" .. port, "ws://127.0.0.1:" .. port)[req:query("name")]
    local good, problem = pcall(test)
    res:write(good and "held" or tostring(problem))
end }
