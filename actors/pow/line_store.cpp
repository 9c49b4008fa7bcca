#include "actors/pow/line_store.hpp"

#include "actors/pow/json_text.hpp"

namespace natterjack::pow {

void line_store::append(std::string_view bytes) {
  while (!bytes.empty()) {
    const auto end = bytes.find('\n');
    const auto room = limits_.line_bytes - unfinished_.size();
    const auto part = bytes.substr(0, std::min(end, room));
    unfinished_ += part;
    bytes.remove_prefix(part.size());
    if (bytes.empty())
      return;
    if (bytes.front() == '\n') {
      bytes.remove_prefix(1);
      if (unfinished_.ends_with('\r'))
        unfinished_.pop_back();
    }
    add_line(std::exchange(unfinished_, {}));
  }
}

void line_store::finish() {
  if (!unfinished_.empty())
    add_line(std::exchange(unfinished_, {}));
}

void line_store::add_line(std::string_view line) {
  std::string quoted;
  append_json_text(quoted, line);
  lines_.emplace_back(quoted, 1, quoted.size() - 2);
  bytes_ += lines_.back().size();
  while (lines_.size() > limits_.lines || (bytes_ > limits_.store_bytes && lines_.size() > 1)) {
    bytes_ -= lines_.front().size();
    lines_.pop_front();
  }
}

void line_store::append_json(std::string& out) const {
  out += '"';
  for (size_t i = 0; i < lines_.size(); ++i) {
    if (i != 0)
      out += "\\n";
    out += lines_[i];
  }
  out += '"';
}

} // namespace natterjack::pow
