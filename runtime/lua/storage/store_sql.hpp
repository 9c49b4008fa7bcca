// Keys and values in a table of an SQLite database, through a connection of its own.
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

 private:
  using clock = std::chrono::steady_clock;
  sql_outcome ask(sql_operation what, const std::string& text, std::vector<sql_value> values);
  bool prepare(failure& why);
  store_result list(const store_request& request);

  const sql_store_settings settings_;
  std::shared_ptr<sqlite_database> database_;
  std::mutex mutex_;
  bool prepared_ = false;
  clock::time_point cleaned_{};
};

} // namespace natterjack::runtime::lua
