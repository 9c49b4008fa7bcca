// Talks to a running node over its admin socket: one request, one answer, bounded waits.
#pragma once

#include <nlohmann/json.hpp>

#include <chrono>
#include <filesystem>
#include <string>

namespace natterjack::runtime {

class admin_client {
 public:
  /// @throws std::runtime_error  a sentence: nobody listens there
  explicit admin_client(const std::filesystem::path& socket);
  ~admin_client();
  admin_client(const admin_client&) = delete;
  admin_client& operator=(const admin_client&) = delete;

  /// @returns the answer, `ok` or not
  /// @throws std::runtime_error  the node is gone or does not answer in time
  nlohmann::json ask(const nlohmann::json& request, std::chrono::milliseconds patience);

 private:
  std::string path_;
  int descriptor_ = -1;
  std::string input_;
};

/// Which node is meant: by socket, by process id, or the only one that runs.
/// @param socket   may be empty; then NATTERJACK_ADMIN_SOCKET counts
/// @param process  0: not said
/// @throws std::runtime_error  none runs, or several: the text says which and what to do
std::filesystem::path choose_admin_socket(const std::string& socket, int process);

} // namespace natterjack::runtime
