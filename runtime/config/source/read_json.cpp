#include "runtime/config/source/tree_builder.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iterator>

namespace natterjack::runtime {

namespace {

// The parser does not tell where an event was; the reading end counts lines instead. Copies of the
// iterator share the counter.
struct reading_place {
  int line = 1;
  char last = 0;
  size_t read = 0; // characters
};

class counting_iterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  counting_iterator(const char* at, reading_place* place) : at_(at), place_(place) {}

  const char& operator*() const { return *at_; }
  counting_iterator& operator++() {
    place_->last = *at_;
    ++place_->read;
    if (*at_ == '\n')
      ++place_->line;
    ++at_;
    return *this;
  }
  counting_iterator operator++(int) {
    auto before = *this;
    ++*this;
    return before;
  }
  bool operator==(const counting_iterator& other) const { return at_ == other.at_; }
  bool operator!=(const counting_iterator& other) const { return at_ != other.at_; }

 private:
  const char* at_;
  reading_place* place_;
};

class handler : public nlohmann::json_sax<nlohmann::json> {
 public:
  handler(const document_limits& limits, const reading_place& place, size_t size)
      : builder_(limits), place_(place), size_(size) {}

  bool null() override { return add(typed_scalar("null")); }
  bool boolean(bool value) override { return add(config_value::boolean(value)); }
  bool number_integer(number_integer_t value) override { return number(std::to_string(value)); }
  bool number_unsigned(number_unsigned_t value) override { return number(std::to_string(value)); }
  bool number_float(number_float_t, const string_t& written) override { return number(written); }
  bool string(string_t& value) override { return add(config_value::text(std::move(value))); }
  bool binary(binary_t&) override { return false; } // cannot come from JSON text

  bool start_object(std::size_t) override {
    builder_.begin_map(place_.line);
    return true;
  }
  bool key(string_t& name) override {
    builder_.key(std::move(name), place_.line);
    return true;
  }
  bool end_object() override {
    builder_.end();
    return true;
  }
  bool start_array(std::size_t) override {
    builder_.begin_list(place_.line);
    return true;
  }
  bool end_array() override {
    builder_.end();
    return true;
  }
  bool parse_error(std::size_t, const std::string& token,
                   const nlohmann::detail::exception&) override {
    error.line = std::max(place_.line - (place_.last == '\n' ? 1 : 0), 1);
    error.message = "is not JSON: ";
    error.message += place_.read == size_
                         ? "ends too early"
                         : "cannot go on at " + config_value::text(token).describe();
    return false;
  }

  document take() {
    document made;
    made.root = builder_.take_root();
    return made;
  }

  document_error error;

 private:
  bool add(config_value value) {
    value.set_line(place_.line);
    builder_.scalar(std::move(value));
    return true;
  }
  // The end of a number is seen one character late.
  bool number(const std::string& written) {
    auto value = typed_scalar(written);
    value.set_line(place_.line - (place_.last == '\n' ? 1 : 0));
    builder_.scalar(std::move(value));
    return true;
  }

  tree_builder builder_;
  const reading_place& place_;
  size_t size_;
};

} // namespace

document_result read_json(std::string_view text, const document_limits& limits) {
  document_result result;
  if (int line = find_bad_utf8(text)) {
    result.error = {line, "is not UTF-8"};
    return result;
  }
  reading_place place;
  handler events(limits, place, text.size());
  try {
    const char* begin = text.data();
    if (nlohmann::json::sax_parse(counting_iterator(begin, &place),
                                  counting_iterator(begin + text.size(), &place), &events))
      result.value = events.take();
    else
      result.error = events.error;
  } catch (const document_failure& failure) {
    result.error = {failure.line, failure.what()};
  }
  return result;
}

} // namespace natterjack::runtime
