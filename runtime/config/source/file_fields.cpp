#include "runtime/config/source/file_fields.hpp"

#include "runtime/config/kinds/kind_schema.hpp"
#include "runtime/config/locate.hpp"

namespace natterjack::runtime {

namespace {

constexpr std::string_view scheme = "file://";
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

class loader {
 public:
  loader(entry& e, const source_tree& tree, std::vector<diagnostic>& mistakes)
      : entry_(e), tree_(tree), mistakes_(mistakes) {}

  void load() {
    const auto* kind = find_kind(entry_.kind);
    const bool has_source = kind && find_field(*kind, "source");
    for (auto& member : entry_.data.members()) {
      if (has_source && member.key == "source")
        load_source(member);
      else
        load_text(member.value, member.line, member.key);
    }
  }

 private:
  struct loaded {
    std::string text;
    std::filesystem::path path;
  };

  void complain(config_value& value, int line, std::string message, std::string expected = {}) {
    mistakes_.push_back(mistake_at(entry_, value, line, std::move(message), std::move(expected)));
    value.set_broken();
  }

  std::optional<loaded> read(config_value& value, int line, const std::string& field) {
    const std::string url = *value.as_text();
    auto found = tree_.resolve(url, entry_.implicit ? tree_.root() : entry_.folder);
    if (found.path.empty()) {
      complain(value, line, field + ": " + url + ": " + found.error);
      return {};
    }
    auto file = read_file(found.path, source_tree::text_bytes_max);
    if (!file.text || file.too_big) {
      complain(value, line,
               field + ": " + url + ": " + tree_.shown(found.path) + ' ' +
                   (file.too_big
                        ? "is bigger than " + std::to_string(source_tree::text_bytes_max) + " bytes"
                        : "cannot be read: " + file.error));
      return {};
    }
    return loaded{std::move(*file.text), std::move(found.path)};
  }

  void load_text(config_value& value, int line, const std::string& field) {
    for (auto& item : value.is_list() ? value.items() : no_items_)
      load_text(item, item.line(), field);
    for (auto& member : value.is_map() ? value.members() : no_members_)
      load_text(member.value, member.line, field + '.' + member.key);
    if (!value.as_text() || !value.as_text()->starts_with(scheme))
      return;
    if (auto file = read(value, line, field)) {
      auto made = config_value::text(std::move(file->text), value.line());
      made.set_origin(value.origin());
      made.set_written(*value.as_text()); // for who has to say what is wrong with the file
      value = std::move(made);
    }
  }

  void load_source(map_member& member) {
    auto& value = member.value;
    const auto* text = value.as_text();
    if (!text || value.is_broken())
      return; // the field check says what is wrong
    source_text made;
    if (text->starts_with(scheme)) {
      auto file = read(value, member.line, "source");
      if (!file)
        return;
      made.chunk = tree_.shown(file->path);
      made.path = std::move(file->path);
      made.text = std::move(file->text);
    } else if (is_file_name(*text)) {
      complain(value, member.line, "source: found " + value.describe(), scheme_of(*text));
      return;
    } else {
      made.chunk = value.origin() ? *value.origin() : entry_.file;
      made.text = *text;
      const int line = value.line() != 0 ? value.line() : 1;
      made.first_line = value.is_block() ? line + 1 : line;
    }
    if (made.text.starts_with(byte_order_mark))
      made.text.erase(0, byte_order_mark.size());
    if (made.text.starts_with('\x1B')) { // first byte of compiled Lua, which no limit can hold
      complain(value, member.line, "source: " + made.chunk + " is compiled Lua", "Lua text");
      return;
    }
    entry_.source = std::move(made);
  }

  static bool is_file_name(const std::string& text) {
    return text.ends_with(".lua") && text.find_first_of(" \n(=") == std::string::npos;
  }

  static std::string scheme_of(const std::string& name) {
    return std::string(scheme) + name + " or Lua text";
  }

  entry& entry_;
  const source_tree& tree_;
  std::vector<diagnostic>& mistakes_;
  std::vector<config_value> no_items_;
  std::vector<map_member> no_members_;
};

} // namespace

void load_files(entry& e, const source_tree& tree, std::vector<diagnostic>& mistakes) {
  if (e.data.is_map())
    loader(e, tree, mistakes).load();
}

} // namespace natterjack::runtime
