#include "runtime/lua/storage/store_sql.hpp"

#include "runtime/lua/codec/text_codes.hpp"

#include <nlohmann/json.hpp>

namespace natterjack::runtime::lua {

namespace {

std::string quoted(const std::string& name) {
  std::string made = "\"";
  for (const char c : name) {
    if (c == '"')
      made += '"';
    made += c;
  }
  return made + "\"";
}

double unix_now() {
  return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

// Kept with its kind in front, so that what was a text is one again: "t…" text, "j…" JSON.
sql_value pack(const hub::payload& value) {
  switch (value.kind()) {
  case hub::payload_kind::nil:
    return std::string("jnull");
  case hub::payload_kind::json:
    return "j" + std::string(value.bytes());
  case hub::payload_kind::text:
    return "t" + std::string(value.bytes());
  case hub::payload_kind::binary:
    break;
  }
  return sql_blob{"t" + std::string(value.bytes())};
}

// A cell of a row: a text, or bytes in the code of sqlite_database.
std::string bytes_of(const nlohmann::json& cell) {
  if (cell.is_string())
    return cell.get<std::string>();
  std::string bytes;
  if (auto code = cell.find("\1b64"); code != cell.end() && code->is_string())
    decode_base64_text(code->get_ref<const std::string&>(), bytes);
  return bytes;
}

hub::payload text_or_bytes(std::string_view bytes) {
  return hub::is_utf8(bytes) ? hub::payload::text(bytes) : hub::payload::binary(bytes);
}

hub::payload unpack(const nlohmann::json& cell) {
  const auto kept = bytes_of(cell);
  if (kept.empty())
    return {};
  const auto value = std::string_view(kept).substr(1);
  return kept.front() == 'j' ? hub::payload::json(value) : text_or_bytes(value);
}

} // namespace

sql_store::sql_store(sql_store_settings settings)
    : settings_(std::move(settings)),
      database_(std::make_shared<sqlite_database>(settings_.id, settings_.file,
                                                  settings_.busy_timeout)),
      reader_(settings_.file == ":memory:" ? database_ // which is its connection's alone
                                           : std::make_shared<sqlite_database>(
                                                 settings_.id, settings_.file, std::chrono::nanoseconds(0))) {
}

sql_outcome sql_store::ask(sqlite_database& whom, sql_operation what, const std::string& text,
                           std::vector<sql_value> values) {
  sql_statement statement;
  statement.what = what;
  statement.text = text;
  statement.values = std::move(values);
  return whom.run_now(statement);
}

sql_outcome sql_store::select(sqlite_database& from, const std::string& key) const {
  const auto expiry = quoted(settings_.expiry_column);
  return ask(from, sql_operation::query,
             "SELECT " + quoted(settings_.value_column) + " AS v FROM " + quoted(settings_.table) +
                 " WHERE " + quoted(settings_.key_column) + " = ?1 AND (" + expiry + " IS NULL OR " +
                 expiry + " > ?2)",
             {key, unix_now()});
}

// Makes no table and removes nothing that has expired: both would wait for those who write.
store_result sql_store::read_now(const std::string& key) {
  const auto found = select(*reader_, key);
  if (found.why.text.find("no such table") != std::string::npos)
    return store_refusal(error_kind::not_found, "no key '" + key + "'");
  if (!found.why.text.empty())
    return {{}, found.why};
  const auto rows = nlohmann::json::parse(found.value.bytes());
  if (rows.empty())
    return store_refusal(error_kind::not_found, "no key '" + key + "'");
  return {{unpack(rows[0].at("v")), hub::payload::text("")}, {}};
}

bool sql_store::prepare(failure& why) {
  const auto table = quoted(settings_.table);
  if (!prepared_) {
    auto made = ask(sql_operation::execute,
                    "CREATE TABLE IF NOT EXISTS " + table + " (" + quoted(settings_.key_column) +
                        " TEXT PRIMARY KEY, " + quoted(settings_.value_column) + " BLOB, " +
                        quoted(settings_.expiry_column) + " REAL)",
                    {});
    if (!made.why.text.empty()) {
      why = made.why;
      return false;
    }
    prepared_ = true;
  }
  if (const auto now = clock::now(); settings_.cleanup_interval.count() != 0 &&
                                     now - cleaned_ > settings_.cleanup_interval) {
    cleaned_ = now;
    ask(sql_operation::execute,
        "DELETE FROM " + table + " WHERE " + quoted(settings_.expiry_column) + " <= ?",
        {unix_now()});
  }
  return true;
}

store_result sql_store::list(const store_request& request) {
  const auto most = request.limit == 0 ? list_max : std::min(request.limit, list_max);
  const auto key = quoted(settings_.key_column);
  auto found = ask(sql_operation::query,
                   "SELECT " + key + " AS k, " + quoted(settings_.value_column) + " AS v FROM " +
                       quoted(settings_.table) + " WHERE substr(" + key +
                       ", 1, length(?1)) = ?1 AND " + key + " > ?2 AND (" +
                       quoted(settings_.expiry_column) + " IS NULL OR " +
                       quoted(settings_.expiry_column) + " > ?3) ORDER BY " + key + " LIMIT ?4",
                   {request.prefix, request.key, unix_now(), static_cast<int64_t>(most + 1)});
  if (!found.why.text.empty())
    return {{}, found.why};
  const auto rows = nlohmann::json::parse(found.value.bytes());
  store_result made{{json_boolean(rows.size() > most), hub::payload::text("")}, {}};
  for (size_t i = 0; i < std::min(rows.size(), most); ++i) {
    const auto name = text_or_bytes(bytes_of(rows[i].at("k")));
    made.values[1] = name;
    made.values.push_back(name);
    made.values.push_back(unpack(rows[i].at("v")));
    made.values.push_back(hub::payload::text(""));
  }
  return made;
}

store_result sql_store::run(const store_request& request) {
  std::lock_guard guard(mutex_);
  failure why;
  if (!prepare(why))
    return {{}, why};
  const auto table = quoted(settings_.table);
  const auto key = quoted(settings_.key_column);
  switch (request.what) {
  case store_operation::get:
  case store_operation::entry:
  case store_operation::has: {
    auto found = select(*database_, request.key);
    if (!found.why.text.empty())
      return {{}, found.why};
    const auto rows = nlohmann::json::parse(found.value.bytes());
    if (request.what == store_operation::has)
      return {{json_boolean(!rows.empty())}, {}};
    if (rows.empty())
      return store_refusal(error_kind::not_found, "no key '" + request.key + "'");
    return {{unpack(rows[0].at("v")), hub::payload::text("")}, {}};
  }
  case store_operation::set:
  case store_operation::put: {
    if (request.only_if_absent || !request.if_version.empty())
      return store_refusal(error_kind::invalid, "a store.sql has no conditional writes");
    const auto expires = request.ttl_s > 0 ? sql_value(unix_now() + request.ttl_s) : sql_value();
    auto done = ask(sql_operation::execute,
                    "INSERT OR REPLACE INTO " + table + " (" + key + ", " +
                        quoted(settings_.value_column) + ", " + quoted(settings_.expiry_column) +
                        ") VALUES (?, ?, ?)",
                    {request.key, pack(request.value), expires});
    if (!done.why.text.empty())
      return {{}, done.why};
    if (request.what == store_operation::set)
      return {{json_boolean(true)}, {}};
    return {{request.value, hub::payload::text("")}, {}};
  }
  case store_operation::remove: {
    auto done =
        ask(sql_operation::execute, "DELETE FROM " + table + " WHERE " + key + " = ?", {request.key});
    if (!done.why.text.empty())
      return {{}, done.why};
    const auto told = nlohmann::json::parse(done.value.bytes());
    return {{json_boolean(told.at("rows_affected").get<int64_t>() > 0)}, {}};
  }
  case store_operation::list:
    return list(request);
  case store_operation::info:
    break;
  }
  const nlohmann::json info{{"id", settings_.id},   {"backend", "sql"},
                            {"consistency", "local"}, {"durable", settings_.file != ":memory:"},
                            {"list", true},           {"versioned", false},
                            {"ttl", true},            {"conditional_put", false}};
  return {{hub::payload::json(info.dump())}, {}};
}

} // namespace natterjack::runtime::lua
