// Builds one tree from the events of a parser and keeps it within bounds.
//
//   receives   scalar, begin_list, begin_map, key, end, alias
//   throws     document_failure: repeated key, too deep, too many values, unknown or circular
//   alias.
//              The only way out of a parser's callbacks; the readers turn it into a document_error.
#pragma once

#include "runtime/config/source/document.hpp"

#include <map>
#include <stdexcept>
#include <unordered_set>
#include <vector>

namespace natterjack::runtime {

struct document_failure : std::runtime_error {
  document_failure(int at, const std::string& message) : std::runtime_error(message), line(at) {}
  int line;
};

class tree_builder {
 public:
  /// What `&name` was put on; 0 is no anchor.
  using anchor = size_t;

  explicit tree_builder(const document_limits& limits) : limits_(limits) {}

  /// The next event must be a key (or the end of the map).
  bool wants_key() const noexcept;
  void key(std::string name, int line, bool merges = false);
  void scalar(config_value value, anchor name = 0);
  void begin_list(int line, anchor name = 0);
  void begin_map(int line, anchor name = 0);
  void end();
  void alias(anchor name, int line);

  config_value take_root() { return std::move(root_); }

 private:
  struct usage {
    size_t nodes = 0, text_bytes = 0, levels = 0;
  };
  struct frame {
    config_value value;
    anchor name = 0;
    usage before;      // counters when it began
    size_t levels = 0; // deepest part below, itself not counted
    std::optional<std::string> pending;
    int pending_line = 0;
    bool merges = false;
    std::unordered_set<std::string> keys;
    std::vector<config_value> merged;
  };
  struct kept {
    config_value value;
    usage cost;
  };

  void begin(config_value empty, int line, anchor name);
  void attach(config_value value, size_t levels);
  void count(size_t nodes, size_t text_bytes, int line);
  static void merge(frame& f);

  document_limits limits_;
  usage used_;
  std::vector<frame> open_;
  std::map<anchor, kept> anchors_;
  config_value root_;
};

} // namespace natterjack::runtime
