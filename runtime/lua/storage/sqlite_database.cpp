#include "runtime/lua/storage/sqlite_database.hpp"

#include "runtime/lua/codec/text_codes.hpp"

#include <nlohmann/json.hpp>
#include <sqlite3.h>

#include <algorithm>
#include <filesystem>

namespace natterjack::runtime::lua {

namespace {

constexpr int steps_per_look = 10'000; // of SQLite's machine: some 100 us

// Bytes that are no text travel as {"\u0001b64": …}; the Lua side turns them back.
nlohmann::json cell_of(sqlite3_stmt* made, int column) {
  switch (sqlite3_column_type(made, column)) {
  case SQLITE_INTEGER:
    return sqlite3_column_int64(made, column);
  case SQLITE_FLOAT:
    return sqlite3_column_double(made, column);
  case SQLITE_NULL:
    return nullptr;
  default:
    break;
  }
  const auto* bytes = static_cast<const char*>(sqlite3_column_blob(made, column));
  const auto size = static_cast<size_t>(sqlite3_column_bytes(made, column));
  std::string text(bytes == nullptr ? "" : bytes, bytes == nullptr ? 0 : size);
  if (hub::is_utf8(text))
    return text;
  std::string code;
  encode_base64_text(text, code, false);
  return {{"\1b64", code}};
}

// Bytes of a row in memory, roughly: what a script may cause outside of its own limit.
size_t weight(const nlohmann::json& row) {
  size_t bytes = 64;
  for (const auto& [name, cell] : row.items())
    bytes += 64 + name.size() + (cell.is_string() ? cell.get_ref<const std::string&>().size() : 0);
  return bytes;
}

// Scripts reach no files: a database is its own file alone. An empty name is a temporary one,
// which VACUUM uses as well.
int authorize(void*, int action, const char* name, const char*, const char*, const char*) {
  const bool allowed = action != SQLITE_ATTACH || (name != nullptr && *name == '\0');
  return allowed ? SQLITE_OK : SQLITE_DENY;
}

sql_outcome refusal(error_kind kind, std::string text) {
  return {{}, {kind, std::move(text), {}}};
}

} // namespace

sqlite_database::sqlite_database(std::string id, std::string file,
                                 std::chrono::nanoseconds busy_timeout)
    : id_(std::move(id)), file_(std::move(file)), busy_timeout_(busy_timeout) {
}

sqlite_database::~sqlite_database() {
  if (handle_ != nullptr)
    sqlite3_close(handle_);
}

uint64_t sqlite_database::next_transaction() {
  std::lock_guard guard(mutex_);
  return ++last_transaction_;
}

size_t sqlite_database::waiting() const {
  std::lock_guard guard(mutex_);
  return queue_.size();
}

bool sqlite_database::open(failure& why) {
  if (handle_ == nullptr)
    is_broken_ = !open_file(why);
  return handle_ != nullptr;
}

std::string sqlite_database::try_open() {
  std::lock_guard guard(connection_);
  failure why;
  open(why);
  return std::move(why.text);
}

bool sqlite_database::open_file(failure& why) {
  std::error_code ignored;
  if (file_ != ":memory:")
    std::filesystem::create_directories(std::filesystem::path(file_).parent_path(), ignored);
  if (sqlite3_open_v2(file_.c_str(), &handle_,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_FULLMUTEX,
                      nullptr) != SQLITE_OK) {
    why = {error_kind::unavailable,
           id_ + ": cannot open " + file_ + ": " +
               (handle_ != nullptr ? sqlite3_errmsg(handle_) : "no memory"),
           {}};
    sqlite3_close(handle_);
    handle_ = nullptr;
    return false;
  }
  sqlite3_set_authorizer(handle_, authorize, nullptr);
  sqlite3_limit(handle_, SQLITE_LIMIT_LENGTH, static_cast<int>(result_bytes_max));
  sqlite3_progress_handler(handle_, steps_per_look, give_up, this);
  sqlite3_busy_timeout(handle_, static_cast<int>(busy_timeout_ / std::chrono::milliseconds(1)));
  deadline_ = std::chrono::steady_clock::time_point::max();
  sqlite3_exec(handle_, "PRAGMA foreign_keys=ON; PRAGMA journal_mode=WAL;", nullptr, nullptr,
               nullptr);
  // A file is read for the first time here: it may be something else.
  sqlite3_exec(handle_, "PRAGMA schema_version;", nullptr, nullptr, nullptr);
  if (const int code = sqlite3_errcode(handle_);
      code == SQLITE_NOTADB || code == SQLITE_CORRUPT || code == SQLITE_CANTOPEN ||
      code == SQLITE_IOERR) {
    why = {error_kind::unavailable,
           id_ + ": cannot open " + file_ + ": " + sqlite3_errmsg(handle_),
           {}};
    sqlite3_close(handle_);
    handle_ = nullptr;
    return false;
  }
  return true;
}

// Called by SQLite while a statement runs, on that thread.
int sqlite_database::give_up(void* self) {
  return work_pool::is_stopping() ||
         std::chrono::steady_clock::now() > static_cast<sqlite_database*>(self)->deadline_;
}

failure sqlite_database::last_error() const {
  const int code = sqlite3_errcode(handle_);
  if (code == SQLITE_INTERRUPT)
    return {error_kind::timeout,
            work_pool::is_stopping()
                ? std::string("interrupted: the program ends")
                : "interrupted after " + std::to_string(statement_time_max.count()) + " minutes",
            {}};
  if (code == SQLITE_AUTH)
    return {error_kind::permission_denied,
            "not authorized: a script reaches no file but the database's own",
            {}};
  const auto kind = code == SQLITE_BUSY || code == SQLITE_LOCKED ? error_kind::unavailable
                    : code == SQLITE_CONSTRAINT                  ? error_kind::conflict
                                                                 : error_kind::internal;
  return {kind, sqlite3_errmsg(handle_), {}};
}

bool sqlite_database::bind(sqlite3_stmt* made, const std::vector<sql_value>& values,
                           failure& why) {
  const auto wanted = static_cast<size_t>(sqlite3_bind_parameter_count(made));
  if (wanted != values.size()) {
    why = {error_kind::invalid,
           "the statement has " + std::to_string(wanted) + " parameters, " +
               std::to_string(values.size()) + " values were given",
           {}};
    return false;
  }
  for (size_t i = 0; i < values.size(); ++i) {
    const int place = static_cast<int>(i + 1);
    const auto& value = values[i];
    int code = SQLITE_OK;
    if (const auto* whole = std::get_if<int64_t>(&value))
      code = sqlite3_bind_int64(made, place, *whole);
    else if (const auto* real = std::get_if<double>(&value))
      code = sqlite3_bind_double(made, place, *real);
    else if (const auto* text = std::get_if<std::string>(&value))
      code = sqlite3_bind_text64(made, place, text->data(), text->size(), SQLITE_TRANSIENT,
                                 SQLITE_UTF8);
    else if (const auto* blob = std::get_if<sql_blob>(&value))
      code = sqlite3_bind_blob64(made, place, blob->bytes.data(), blob->bytes.size(),
                                 SQLITE_TRANSIENT);
    if (code != SQLITE_OK) {
      why = last_error();
      return false;
    }
  }
  return true;
}

sql_outcome sqlite_database::run(const sql_statement& statement, bool* in_transaction) {
  std::lock_guard guard(connection_);
  sql_outcome result;
  try {
    result = run_alone(statement);
  } catch (const std::exception& e) { // no memory for its rows, say
    result = refusal(error_kind::internal, id_ + ": " + e.what());
  }
  // SQLite ends a transaction by itself when a disk is full, and scripts may say COMMIT or BEGIN.
  const bool is_open = handle_ != nullptr && sqlite3_get_autocommit(handle_) == 0;
  if (in_transaction != nullptr)
    *in_transaction = is_open && statement.transaction != 0;
  if (!is_open || statement.transaction != 0)
    return result;
  sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  return refusal(error_kind::invalid, "a transaction begins with db:begin(); this one was undone");
}

sql_outcome sqlite_database::run_alone(const sql_statement& statement) {
  failure why;
  if (!open(why))
    return {{}, why};
  deadline_ = std::chrono::steady_clock::now() + statement_time_max;
  auto rows = nlohmann::json::array();
  size_t bytes = 0;
  const auto changes_before = sqlite3_total_changes64(handle_);
  const char* rest = statement.text.c_str();
  const char* const end = rest + statement.text.size();
  bool bound = false;
  while (rest < end) {
    sqlite3_stmt* made = nullptr;
    if (sqlite3_prepare_v2(handle_, rest, static_cast<int>(end - rest), &made, &rest) != SQLITE_OK)
      return {{}, last_error()};
    if (made == nullptr)
      break; // blanks and comments at the end
    std::unique_ptr<sqlite3_stmt, decltype(&sqlite3_finalize)> held(made, &sqlite3_finalize);
    if (statement.what == sql_operation::prepare)
      break; // the others may need what this one does
    if ((!bound || sqlite3_bind_parameter_count(made) > 0) && !bind(made, statement.values, why))
      return {{}, why};
    bound = true;
    int code = SQLITE_ROW;
    while ((code = sqlite3_step(made)) == SQLITE_ROW) {
      if (statement.what != sql_operation::query)
        continue;
      if (rows.size() >= rows_max)
        return refusal(error_kind::invalid,
                       "more than " + std::to_string(rows_max) + " rows: add a LIMIT");
      auto row = nlohmann::json::object();
      for (int column = 0; column < sqlite3_column_count(made); ++column)
        row[sqlite3_column_name(made, column)] = cell_of(made, column);
      if ((bytes += weight(row)) > result_bytes_max)
        return refusal(error_kind::invalid, "more than " + std::to_string(result_bytes_max >> 20) +
                                                " MiB of rows: add a LIMIT");
      rows.push_back(std::move(row));
    }
    if (code != SQLITE_DONE)
      return {{}, last_error()};
  }
  if (statement.what == sql_operation::query)
    return {hub::payload::json(
                rows.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)),
            {}}; // replace: names of columns may be any bytes
  if (statement.what != sql_operation::execute)
    return {hub::payload::json("true"), {}};
  const nlohmann::json told{{"last_insert_id", sqlite3_last_insert_rowid(handle_)},
                            {"rows_affected", sqlite3_total_changes64(handle_) - changes_before}};
  return {hub::payload::json(told.dump()), {}};
}

sql_outcome sqlite_database::run_now(const sql_statement& statement) {
  return run(statement, nullptr);
}

// The next statement that may run now.
bool sqlite_database::take(job& next) {
  auto i = std::find_if(queue_.begin(), queue_.end(), [this](const job& one) {
    return open_transaction_ == 0 || one.statement.transaction == open_transaction_;
  });
  if (i == queue_.end())
    return false;
  next = std::move(*i);
  queue_.erase(i);
  if (next.statement.what == sql_operation::begin)
    open_transaction_ = next.statement.transaction;
  return true;
}

void sqlite_database::serve(work_pool& pool) {
  job next;
  {
    std::lock_guard guard(mutex_);
    if (!take(next)) {
      serving_ = false;
      return;
    }
  }
  const auto& statement = next.statement;
  bool stale = false;
  {
    std::lock_guard guard(mutex_);
    stale = statement.transaction != 0 && statement.transaction != open_transaction_;
  }
  bool in_transaction = false;
  auto result = stale ? refusal(error_kind::invalid, "the transaction is over")
                      : run(statement, &in_transaction);
  {
    std::lock_guard guard(mutex_);
    if (statement.transaction != 0 && statement.transaction == open_transaction_ &&
        !in_transaction)
      open_transaction_ = 0;
  }
  next.done(std::move(result));
  // One statement a turn: other work of the pool gets its chance.
  pool.run([self = shared_from_this(), &pool] { self->serve(pool); });
}

void sqlite_database::submit(work_pool& pool, sql_statement statement, answer_function done) {
  {
    std::lock_guard guard(mutex_);
    queue_.push_back({std::move(statement), std::move(done)});
    if (serving_)
      return;
    serving_ = true;
  }
  pool.run([self = shared_from_this(), &pool] { self->serve(pool); });
}

} // namespace natterjack::runtime::lua
