// One SQLite database: statements one after the other, on a thread that may block.
//
//   submit, statement        answer                              errors
//   query                    JSON list of rows                   what SQLite says
//   execute                  JSON {last_insert_id, rows_affected}
//   begin, commit, rollback, savepoints  true
//
//   while a transaction is open, only its own statements run; all others wait for its end
//   bounds    statement_time_max, result_bytes_max, rows_max: the statement fails
//   never     opens files other than its own: ATTACH and VACUUM INTO are refused
#pragma once

#include "runtime/lua/reply.hpp"
#include "runtime/lua/shared/work_pool.hpp"

#include <atomic>
#include <chrono>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <variant>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace natterjack::runtime::lua {

constexpr std::chrono::minutes statement_time_max{5};
constexpr size_t result_bytes_max = 64 << 20; ///< of one statement's rows, and of any one value
constexpr size_t rows_max = 1'000'000;

struct sql_blob {
  std::string bytes;
};
using sql_value = std::variant<std::monostate, int64_t, double, std::string, sql_blob>;

enum class sql_operation : uint8_t {
  query,
  execute,
  begin,
  end,
  prepare, ///< is it a statement at all?
};

struct sql_statement {
  sql_operation what = sql_operation::query;
  std::string text;
  std::vector<sql_value> values;
  uint64_t transaction = 0; ///< 0: outside of any
};

struct sql_outcome {
  hub::payload value;
  failure why;
};

class sqlite_database : public std::enable_shared_from_this<sqlite_database> {
 public:
  sqlite_database(std::string id, std::string file, std::chrono::nanoseconds busy_timeout);
  ~sqlite_database();

  using answer_function = std::function<void(sql_outcome)>;
  /// Any thread; `done` is called on a thread of `pool`.
  void submit(work_pool& pool, sql_statement statement, answer_function done);
  uint64_t next_transaction();
  /// Runs at once, on the caller's thread, between the others; may block. Waits out a transaction.
  sql_outcome run_now(const sql_statement& statement);
  size_t waiting() const;
  /// Opens the file now, and sees whether it is a database. @returns empty, or why not
  std::string try_open();
  /// The file could not be opened when that was tried last; from any thread.
  bool is_broken() const noexcept { return is_broken_; }

 private:
  struct job {
    sql_statement statement;
    answer_function done;
  };
  bool take(job& next);
  void serve(work_pool& pool);
  /// @param in_transaction  set to whether the statement's transaction is open behind it
  sql_outcome run(const sql_statement& statement, bool* in_transaction);
  sql_outcome run_alone(const sql_statement& statement);
  bool open(failure& why);
  bool open_file(failure& why);
  failure last_error() const;
  static int give_up(void* self);
  bool bind(sqlite3_stmt* made, const std::vector<sql_value>& values, failure& why);

  const std::string id_;
  const std::string file_;
  const std::chrono::nanoseconds busy_timeout_;
  std::mutex connection_; ///< held while a statement runs
  sqlite3* handle_ = nullptr;
  std::atomic<bool> is_broken_{false};
  std::chrono::steady_clock::time_point deadline_ =
      std::chrono::steady_clock::time_point::max(); ///< of the statement that runs

  mutable std::mutex mutex_;
  std::deque<job> queue_;
  bool serving_ = false;
  uint64_t last_transaction_ = 0;
  uint64_t open_transaction_ = 0;
};

/// The databases of an application by entry id.
struct database_shelf {
  std::map<std::string, std::shared_ptr<sqlite_database>> databases;
};

} // namespace natterjack::runtime::lua
