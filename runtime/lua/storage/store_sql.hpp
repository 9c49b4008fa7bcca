// Keys and values in a table of an SQLite database, through a connection of its own, and another one for
// those who must not wait: the file has a write-ahead log, whose readers see what was there before a
// writer began.
#pragma once

#include "runtime/lua/storage/key_value_store.hpp"
#include "runtime/lua/storage/sqlite_database.hpp"

namespace natterjack::runtime::lua {

struct sql_store_settings {
  std::string id;
  std::string file; ///< of the database
  std::chrono::nanoseconds busy_timeout{};
  std::string table, key_column, value_column, expiry_column;
  std::chrono::nanoseconds cleanup_interval{};
};

class sql_store final : public key_value_store {
 public:
  explicit sql_store(sql_store_settings settings);
  bool blocks() const noexcept override { return true; }
  store_result run(const store_request& request) override;
  store_result read_now(const std::string& key) override;

 private:
  using clock = std::chrono::steady_clock;
  static sql_outcome ask(sqlite_database& whom, sql_operation what, const std::string& text,
                         std::vector<sql_value> values);
  sql_outcome ask(sql_operation what, const std::string& text, std::vector<sql_value> values) {
    return ask(*database_, what, text, std::move(values));
  }
  sql_outcome select(sqlite_database& from, const std::string& key) const;
  bool prepare(failure& why);
  store_result list(const store_request& request);

  const sql_store_settings settings_;
  std::shared_ptr<sqlite_database> database_;
  std::shared_ptr<sqlite_database> reader_;
  std::mutex mutex_;
  bool prepared_ = false;
  clock::time_point cleaned_{};
};

} // namespace natterjack::runtime::lua
