local check = require("check")
local uuid, base64, hash, crypto = require("uuid"), require("base64"), require("hash"), require("crypto")
local url = "6ba7b811-9dad-11d1-80b4-00c04fd430c8"

local tests = {
    { "uuids have their version", function()
        for _, name in ipairs({ "v1", "v4", "v7" }) do
            local id = uuid[name]()
            check.yes(uuid.validate(id), id)
            check.same(uuid.version(id), tonumber(name:sub(2)))
            check.same(uuid.variant(id), "RFC4122")
        end
        check.yes(uuid.v7() < uuid.v7())
    end },
    { "named uuids are those of RFC 9562", function()
        check.same(uuid.v3("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"), "5df41881-3aed-3515-88a7-2f4a814cf09e")
        check.same(uuid.v5("6ba7b810-9dad-11d1-80b4-00c04fd430c8", "www.example.com"), "2ed6657d-e927-568b-95e1-2665a8aea6a2")
        check.fails("Invalid", uuid.v5("no uuid", "x"))
    end },
    { "uuids are taken apart and written in other forms", function()
        local info = uuid.parse(uuid.v7())
        check.same(info.version, 7)
        check.yes(math.abs(info.timestamp - os.time()) < 5)
        check.yes(math.abs(uuid.parse(uuid.v1()).timestamp - os.time()) < 5)
        check.same(uuid.format(url, "simple"), "6ba7b8119dad11d180b400c04fd430c8")
        check.same(uuid.format(url, "urn"), "urn:uuid:" .. url)
        check.fails("Invalid", uuid.format(url, "other"))
        check.fails("Invalid", uuid.version("x"))
        check.same(uuid.validate(7), false)
    end },
    { "base64 both ways", function()
        check.same(base64.encode("hello\0\255"), "aGVsbG8A/w==")
        check.same(base64.decode("aGVsbG8A/w=="), "hello\0\255")
        check.same(base64.decode(base64.encode("")), "")
        check.fails("Invalid", base64.decode("a"))
        check.fails("Invalid", base64.decode("%%%%"))
        check.fails("Invalid", base64.encode(7))
    end },
    { "digests of known texts", function()
        check.same(hash.md5("abc"), "900150983cd24fb0d6963f7d28e17f72")
        check.same(hash.sha1("abc"), "a9993e364706816aba3e25717850c26c9cd0d89d")
        check.same(hash.sha256("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad")
        check.same(#hash.sha512("abc"), 128)
        check.same(#hash.sha512("abc", true), 64)
        check.same(hash.hmac_sha256("what do ya want for nothing?", "Jefe"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
        check.same(hash.hmac_md5("what do ya want for nothing?", "Jefe"), "750c783e6ab0b503eaa86e310a5db738")
        check.same(hash.fnv32("a"), 0x050c5d7e)
        check.same(hash.fnv64("a"), 0xaf63bd4c8601b7be)
        check.fails("Invalid", hash.sha256(7))
    end },
    { "a key from a password", function()
        local key = hash.pbkdf2("password", "salt", 1, 20)
        check.same(#key, 20)
        check.same(crypto.pbkdf2("password", "salt", 1, 20), key)
        check.fails("Invalid", hash.pbkdf2("", "salt", 1, 20))
        check.fails("Invalid", hash.pbkdf2("p", "salt", 0, 20))
    end },
    { "random bytes, texts and uuids", function()
        check.same(#crypto.random.bytes(33), 33)
        check.yes(crypto.random.string(50, "ab"):find("^[ab]+$"))
        check.yes(uuid.validate(crypto.random.uuid()))
        check.fails("Invalid", crypto.random.bytes(0))
    end },
    { "ciphers give back what was put in, or nothing", function()
        for _, name in ipairs({ "aes", "chacha20" }) do
            local key = crypto.random.bytes(32)
            local sealed = crypto.encrypt[name]("secret", key, "of ada")
            check.same(crypto.decrypt[name](sealed, key, "of ada"), "secret")
            check.fails("Internal", crypto.decrypt[name](sealed, key, "of bob"))
            local damaged = sealed:sub(1, -2) .. string.char(sealed:byte(-1) ~ 1)
            check.fails("Internal", crypto.decrypt[name](damaged, key, "of ada"))
            check.fails("Invalid", crypto.encrypt[name]("secret", "short"))
        end
    end },
    { "JSON web tokens", function()
        local token = crypto.jwt.encode({ sub = "ada", exp = os.time() + 60 }, "key")
        check.same(crypto.jwt.verify(token, "key").sub, "ada")
        check.fails("Internal", crypto.jwt.verify(token, "other"))
        check.fails("Internal", crypto.jwt.verify(token, "key", "HS512"))
        check.fails("Internal", crypto.jwt.verify(crypto.jwt.encode({ exp = 1 }, "key"), "key"))
        check.fails("Internal", crypto.jwt.verify(crypto.jwt.encode({ a = 1 }, "key"), "key"))
        check.same(crypto.jwt.verify(crypto.jwt.encode({ a = 1 }, "key"), "key", "HS256", false).a, 1)
        check.fails("Invalid", crypto.jwt.verify("nothing", "key"))
    end },
    { "comparing without telling where they differ", function()
        check.same(crypto.constant_time_compare("abc", "abc"), true)
        check.same(crypto.constant_time_compare("abc", "abd"), false)
        check.same(crypto.hmac.sha256("Jefe", "what do ya want for nothing?"),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    end },
}

local json = require("json")
local person = {
    type = "object",
    required = { "name" },
    additionalProperties = false,
    properties = {
        name = { type = "string", minLength = 1, pattern = "^[a-z]+$" },
        age = { type = "integer", minimum = 0 },
        tags = { type = "array", items = { ["$ref"] = "#/$defs/tag" }, uniqueItems = true },
    },
    ["$defs"] = { tag = { enum = { "a", "b" } } },
}

local function says(text, value)
    local good, err = json.validate(person, value)
    check.same(good, false)
    check.same(err:message(), text)
end

table.insert(tests, { "values against a schema", function()
    check.same(json.validate(person, { name = "ada", age = 36, tags = { "a", "b" } }), true)
    says("$: name is missing", {})
    says("$.name: expected string, found number", { name = 7 })
    says("$.name: does not match ^[a-z]+$", { name = "Ada" })
    says("$.age: -1 is less than 0", { name = "a", age = -1 })
    says("$.tags[1]: is none of the values of enum", { name = "a", tags = { "a", "c" } })
    says("$: more is not expected here", { name = "a", more = 1 })
    check.same(json.validate_string('{"type":"array","maxItems":1}', "[1]"), true)
    check.same(json.validate_string('{"type":"array","maxItems":1}', "[1,2]"), false)
    check.same(json.validate({ anyOf = { { type = "null" }, { const = 3 } } }, 3), true)
    check.same(json.validate({ oneOf = { { minimum = 1 }, { maximum = 5 } } }, 3), false)
    check.same(json.validate_string({}, "{nope"), false)
end })

local compress = require("compress")
local long = ("all work and no play "):rep(50000)

table.insert(tests, { "what is compressed comes back", function()
    for _, name in ipairs({ "gzip", "zlib", "deflate" }) do
        local format = compress[name]
        for _, data in ipairs({ "a", "\0\255", long }) do
            check.same(format.decode(format.encode(data)), data, name)
        end
        check.yes(#format.encode(long, { level = 9 }) <= #format.encode(long, { level = 1 }))
        check.fails("Invalid", format.decode(format.encode(long):sub(1, -2)))
        check.fails("Invalid", format.decode("certainly not"))
        check.fails("Invalid", format.encode(""))
        check.fails("Invalid", format.encode("a", { level = 10 }))
        check.fails("Invalid", format.decode("a", { max_size = 0 }))
        check.same(#format.decode(format.encode(long), { max_size = #long }), #long)
        check.fails("Internal", format.decode(format.encode(long), { max_size = #long - 1 }))
    end
    local two = compress.gzip.encode("one, ") .. compress.gzip.encode("two")
    check.same(compress.gzip.decode(two), "one, two")
    check.fails("Invalid", compress.zlib.decode(compress.zlib.encode("one") .. "x"))
    check.same(#compress.gzip.encode("a"):sub(1, 2), 2)
    check.same(compress.gzip.encode("a"):byte(1) * 256 + compress.gzip.encode("a"):byte(2), 0x1f8b)
end })

local function refused(text, schema)
    local good, err = json.validate(schema, {})
    check.same(good, false)
    check.same(err:message(), "the schema is wrong at " .. text)
    check.same(err:kind(), errors.INVALID)
end

table.insert(tests, { "a schema that is none is refused", function()
    refused("$.type: expected one or a list of array, boolean, integer, null, number, object, string",
        { type = "nope" })
    refused("$.properties.a.minimum: expected a number", { properties = { a = { minimum = "1" } } })
    refused("$.required: expected a list of names", { required = "name" })
    refused("$.anyOf[1]: expected a schema, found number", { anyOf = { {}, 7 } })
    refused("$.items.maxLength: expected a whole number from 0", '{"items":{"maxLength":-1}}')
    check.same(json.validate({ type = { "object", "null" }, title = "any", ["$defs"] = {} }, {}), true)
end })

return { run = function() check.run("codes", tests) end }
