#include "actors/pow/line_store.hpp"

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

void line_store::add_line(std::string line) {
  line.shrink_to_fit();
  bytes_ += line.size();
  lines_.push_back(std::move(line));
  while (lines_.size() > limits_.lines || (bytes_ > limits_.store_bytes && lines_.size() > 1)) {
    bytes_ -= lines_.front().size();
    lines_.pop_front();
  }
}

std::string line_store::text() const {
  std::string result;
  result.reserve(bytes_ + lines_.size());
  for (size_t i = 0; i < lines_.size(); ++i) {
    if (i != 0)
      result += '\n';
    result += lines_[i];
  }
  return result;
}

} // namespace natterjack::pow
