#include "actors/pow/control_message.hpp"

#include "actors/pow/json_reader.hpp"

namespace natterjack::pow {

namespace {

// Simple case folding, as far as it concerns names of ASCII letters: besides A-Z only the long s
// and the Kelvin sign fold to one of them.
bool is_field(std::string_view key, std::string_view name) noexcept {
  size_t at = 0;
  for (const char wanted : name) {
    const auto left = key.substr(at);
    if (wanted == 's' && left.starts_with("\xc5\xbf")) {
      at += 2;
    } else if (wanted == 'k' && left.starts_with("\xe2\x84\xaa")) {
      at += 3;
    } else if (!left.empty() &&
               (left[0] == wanted || (left[0] >= 'A' && left[0] <= 'Z' && left[0] + 32 == wanted))) {
      ++at;
    } else {
      return false;
    }
  }
  return at == key.size();
}

// Reads an object, or null as one without fields.
// @param field  (name, reader) -> false on a mistake; must take the value
template <class Field>
bool read_document(std::string_view text, behind what, Field&& field) {
  json_reader reader(text);
  reader.skip_space();
  if (reader.peek() == 'n') {
    if (!reader.take_word("null"))
      return false;
  } else {
    if (!reader.take('{'))
      return false;
    reader.skip_space();
    std::string key;
    for (bool more = !reader.take('}'); more;) {
      reader.skip_space();
      if (!reader.read_string(key))
        return false;
      reader.skip_space();
      if (!reader.take(':'))
        return false;
      reader.skip_space();
      if (!field(std::string_view(key), reader))
        return false;
      reader.skip_space();
      more = reader.take(',');
      if (!more && !reader.take('}'))
        return false;
    }
  }
  if (what == behind::anything)
    return true;
  reader.skip_space();
  return reader.at_end();
}

// A string; null leaves `out` as it is.
bool read_text(json_reader& reader, std::string& out) {
  return reader.peek() == 'n' ? reader.take_word("null") : reader.read_string(out);
}

bool read_texts(json_reader& reader, std::optional<std::vector<std::string>>& out) {
  if (reader.peek() == 'n') {
    out.reset();
    return reader.take_word("null");
  }
  if (!reader.take('['))
    return false;
  if (!out)
    out.emplace();
  // A null in a second list keeps what the first one had in its place.
  size_t count = 0;
  reader.skip_space();
  for (bool more = !reader.take(']'); more; ++count) {
    if (count == out->size())
      out->emplace_back();
    reader.skip_space();
    if (!read_text(reader, (*out)[count]))
      return false;
    reader.skip_space();
    more = reader.take(',');
    if (!more && !reader.take(']'))
      return false;
  }
  out->resize(count);
  return true;
}

} // namespace

std::optional<call_message> decode_call(std::string_view text, behind what) {
  call_message result;
  const bool ok = read_document(text, what, [&result](std::string_view key, json_reader& reader) {
    if (is_field(key, "call"))
      return read_text(reader, result.name);
    if (is_field(key, "params"))
      return read_texts(reader, result.arguments);
    return reader.skip_value();
  });
  return ok ? std::optional(std::move(result)) : std::nullopt;
}

std::optional<signal> decode_signal(std::string_view text) {
  std::string value;
  const bool ok =
      read_document(text, behind::nothing, [&value](std::string_view key, json_reader& reader) {
        return is_field(key, "signal") ? read_text(reader, value) : reader.skip_value();
      });
  if (ok && value == "close")
    return signal::close;
  if (ok && value == "cancel")
    return signal::cancel;
  return std::nullopt;
}

} // namespace natterjack::pow
