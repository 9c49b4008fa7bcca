#include "runtime/config/source/tree_builder.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <initializer_list>
#include <istream>
#include <streambuf>

namespace natterjack::runtime {

namespace {

// Reads the text where it is.
struct view_buffer : std::streambuf {
  explicit view_buffer(std::string_view text) {
    auto* begin = const_cast<char*>(text.data()); // an input buffer is never written to
    setg(begin, begin, begin + text.size());
  }
};

int line_of(const YAML::Mark& mark) {
  return mark.line + 1;
}

class handler : public YAML::EventHandler {
 public:
  handler(std::string_view text, const document_limits& limits) : text_(text), builder_(limits) {}

  void OnDocumentStart(const YAML::Mark& mark) override { begin_line_ = line_of(mark); }
  void OnDocumentEnd() override {}

  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    if (builder_.wants_key())
      throw document_failure(line_of(mark), "a key is empty");
    config_value nothing;
    nothing.set_line(line_of(mark));
    builder_.scalar(std::move(nothing), anchor);
  }

  void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    refuse_as_key(mark, "an alias");
    builder_.alias(anchor, line_of(mark));
  }

  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    const int line = line_of(mark);
    const bool plain = tag == "?";
    note_tag(tag, line);
    if (builder_.wants_key())
      builder_.key(value, line, plain && value == "<<");
    else
      builder_.scalar(plain || is_typed(tag) ? typed_scalar(value, line) : text(value, mark),
                      anchor);
  }

  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    refuse_as_key(mark, "a list");
    note_tag(tag, line_of(mark));
    builder_.begin_list(line_of(mark), anchor);
  }
  void OnSequenceEnd() override { builder_.end(); }

  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    refuse_as_key(mark, "a map");
    note_tag(tag, line_of(mark));
    builder_.begin_map(line_of(mark), anchor);
  }
  void OnMapEnd() override { builder_.end(); }

  int begin_line() const { return begin_line_; }

  document take() {
    document made;
    made.root = builder_.take_root();
    made.unknown_tag = tag_;
    made.unknown_tag_line = tag_line_;
    return made;
  }

 private:
  static constexpr std::string_view yaml_tags = "tag:yaml.org,2002:";

  static bool is_one_of(std::string_view tag, std::initializer_list<std::string_view> names) {
    return tag.starts_with(yaml_tags) &&
           std::find(names.begin(), names.end(), tag.substr(yaml_tags.size())) != names.end();
  }
  static bool is_typed(std::string_view tag) {
    return is_one_of(tag, {"int", "float", "bool", "null"});
  }
  // Of YAML's own schema (1.2, chapter 10): `!!str 5` is a text.
  static bool is_core(std::string_view tag) {
    return is_typed(tag) || is_one_of(tag, {"str", "map", "seq"});
  }

  // The parser has `?` for what has no tag, and `!` for texts in quotes.
  void note_tag(std::string_view tag, int line) {
    if (tag.empty() || tag == "?" || tag == "!" || is_core(tag) || tag_line_ != 0)
      return;
    tag_ = tag.starts_with(yaml_tags) ? "!!" + std::string(tag.substr(yaml_tags.size())) : tag;
    tag_line_ = line;
  }

  void refuse_as_key(const YAML::Mark& mark, const std::string& what) {
    if (builder_.wants_key())
      throw document_failure(line_of(mark), what + " stands as a key; only text can be one");
  }

  config_value text(const std::string& value, const YAML::Mark& mark) {
    auto made = config_value::text(value, line_of(mark));
    const auto at = static_cast<size_t>(std::max(mark.pos, 0));
    made.set_block(at < text_.size() && (text_[at] == '|' || text_[at] == '>'));
    return made;
  }

  std::string_view text_;
  tree_builder builder_;
  std::string tag_;
  int tag_line_ = 0;
  int begin_line_ = 0;
};

bool is_indented_by_tab(std::string_view text, int line) {
  for (; line > 1 && text.find('\n') != std::string_view::npos; --line)
    text.remove_prefix(text.find('\n') + 1);
  const auto word = text.find_first_not_of(" \t");
  return text.substr(0, word).find('\t') != std::string_view::npos;
}

} // namespace

document_result read_yaml(std::string_view text, const document_limits& limits) {
  document_result result;
  if (int line = find_bad_utf8(text)) {
    result.error = {line, "is not UTF-8"};
    return result;
  }
  try {
    view_buffer buffer(text);
    std::istream input(&buffer);
    YAML::Parser parser(input);
    handler events(text, limits);
    parser.HandleNextDocument(events);
    result.value = events.take();
    if (handler second(text, limits); parser && parser.HandleNextDocument(second))
      result.value->second_line = second.begin_line();
  } catch (const document_failure& failure) {
    result.value.reset();
    result.error = {failure.line, failure.what()};
  } catch (const YAML::Exception& failure) {
    result.value.reset();
    const int line = std::max(line_of(failure.mark), 1);
    result.error = {line, "is not YAML: " + failure.msg};
    if (is_indented_by_tab(text, line)) // what the parser says of it helps nobody
      result.error.message += "; found a tab in the indentation, expected spaces";
  }
  return result;
}

int find_bad_utf8(std::string_view text) noexcept {
  int line = 1;
  for (size_t at = 0; at < text.size();) {
    const auto lead = static_cast<unsigned char>(text[at]);
    if (lead == '\n')
      ++line;
    size_t length = lead < 0x80   ? 1
                    : lead < 0xC2 ? 0
                    : lead < 0xE0 ? 2
                    : lead < 0xF0 ? 3
                    : lead < 0xF5 ? 4
                                  : 0;
    if (length == 0 || at + length > text.size())
      return line;
    uint32_t point = lead & (0xFFu >> (length == 1 ? 1 : length + 1));
    for (size_t i = 1; i < length; ++i) {
      const auto next = static_cast<unsigned char>(text[at + i]);
      if ((next & 0xC0) != 0x80)
        return line;
      point = point << 6 | (next & 0x3Fu);
    }
    const bool overlong = (length == 3 && point < 0x800) || (length == 4 && point < 0x10000);
    if (overlong || point > 0x10FFFF || (point >= 0xD800 && point <= 0xDFFF))
      return line;
    at += length;
  }
  return 0;
}

} // namespace natterjack::runtime
