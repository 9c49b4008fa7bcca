#include "runtime/config/source/entry_reader.hpp"

#include "runtime/config/nearest.hpp"

#include <algorithm>

namespace natterjack::runtime {

namespace {

const std::vector<std::string> file_keys{"version", "namespace", "meta", "entries"};

bool is_identifier(std::string_view text) {
  constexpr std::string_view allowed =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/";
  return !text.empty() && text.find_first_not_of(allowed) == std::string_view::npos;
}

constexpr const char* identifier_expected = "letters, digits and . _ - /";

class reader {
 public:
  reader(const std::string& shown, const std::filesystem::path& path,
         std::vector<diagnostic>& mistakes)
      : shown_(shown), folder_(path.parent_path()), mistakes_(mistakes) {}

  std::vector<entry> read(const config_value& root, bool has_list) {
    const auto* ns = root.find_member("namespace");
    if (!ns->value.as_text() || !is_identifier(*ns->value.as_text())) {
      complain(ns->line, "", "namespace: found " + ns->value.describe(), identifier_expected);
      return {};
    }
    ns_ = *ns->value.as_text();
    std::vector<entry> made;
    if (!has_list) {
      read_entry(root, root.line(), {"version", "namespace"}, made);
      return made;
    }
    if (const auto* meta = root.find_member("meta"); meta && !meta->value.is_null()) {
      if (meta->value.is_map())
        meta_ = &meta->value;
      else
        complain(meta->line, "", "meta: found " + meta->value.describe(), "a map");
    }
    for (const auto& member : root.members()) {
      const bool own = member.key.starts_with("x-"); // a place for anchors
      if (!own && std::find(file_keys.begin(), file_keys.end(), member.key) == file_keys.end())
        complain(member.line, "",
                 "unknown key \"" + member.key + '"' + did_you_mean(member.key, file_keys),
                 one_of(file_keys) + " (or x-… for your own)");
    }
    const auto* list = root.find_member("entries");
    if (!list->value.is_list() && !list->value.is_null()) {
      complain(list->line, "", "entries: found " + list->value.describe(), "a list");
      return made;
    }
    for (const auto& item : list->value.items())
      read_entry(item, item.line() != 0 ? item.line() : list->line, {}, made);
    return made;
  }

 private:
  void complain(int line, const std::string& id, std::string message, std::string expected = {}) {
    mistakes_.push_back({shown_, line, id, std::move(message), std::move(expected)});
  }

  // A text that must be there; empty after a complaint.
  std::string needed(const config_value& from, const char* key, int line, const std::string& id) {
    const auto* member = from.find_member(key);
    if (!member) {
      std::vector<std::string> keys;
      for (const auto& other : from.members())
        keys.push_back(other.key);
      const auto near = nearest(key, keys);
      complain(line, id,
               std::string("entry has no ") + key +
                   (near.empty() ? "" : " (is \"" + near + "\" meant?)"));
      return {};
    }
    const auto* text = member->value.as_text();
    if (!text || text->empty()) {
      complain(member->line, id, std::string(key) + ": found " + member->value.describe(), "text");
      return {};
    }
    return *text;
  }

  void read_entry(const config_value& from, int line, const std::vector<std::string>& frame,
                  std::vector<entry>& made) {
    if (!from.is_map()) {
      complain(line, "", "found " + from.describe() + " in entries", "a map with name and kind");
      return;
    }
    entry e;
    e.file = shown_;
    e.folder = folder_;
    e.line = line;
    e.ns = ns_;
    e.name = needed(from, "name", line, "");
    if (!e.name.empty() && !is_identifier(e.name)) {
      complain(from.find_member("name")->line, "", "name: found \"" + e.name + '"',
               identifier_expected);
      e.name.clear();
    }
    e.id = e.name.empty() ? "" : ns_ + ':' + e.name;
    e.kind = needed(from, "kind", line, e.id);
    read_meta(from, e);
    read_data(from, frame, e);
    if (!e.name.empty() && !e.kind.empty())
      made.push_back(std::move(e));
  }

  void read_meta(const config_value& from, entry& e) {
    if (const auto* meta = from.find_member("meta"); meta && !meta->value.is_null()) {
      if (meta->value.is_map())
        e.meta = meta->value;
      else
        complain(meta->line, e.id, "meta: found " + meta->value.describe(), "a map");
    }
    if (meta_)
      for (const auto& member : meta_->members())
        if (!e.meta.find(member.key))
          e.meta.members().push_back(member);
  }

  // An explicit `data:` is the whole data.
  void read_data(const config_value& from, const std::vector<std::string>& frame, entry& e) {
    const auto* whole = from.find_member("data");
    if (whole) {
      e.data = whole->value;
      if (whole->value.is_null())
        e.data = config_value::map(whole->line);
    } else {
      e.data.set_line(from.line());
    }
    for (const auto& member : from.members()) {
      const bool framed = member.key == "name" || member.key == "kind" || member.key == "meta" ||
                          member.key == "data" ||
                          std::find(frame.begin(), frame.end(), member.key) != frame.end();
      if (framed)
        continue;
      if (whole)
        complain(member.line, e.id,
                 '"' + member.key + "\" stands beside data, which is all of an entry's fields",
                 "it inside data");
      else
        e.data.members().push_back(member);
    }
  }

  const std::string& shown_;
  std::filesystem::path folder_;
  std::vector<diagnostic>& mistakes_;
  std::string ns_;
  const config_value* meta_ = nullptr;
};

} // namespace

std::vector<entry> read_entries(const document& file, const std::string& shown,
                                const std::filesystem::path& path,
                                std::vector<diagnostic>& mistakes) {
  const auto& root = file.root;
  const bool has_list = root.find("entries") != nullptr;
  const bool counts =
      root.find("namespace") && (has_list || (root.find("name") && root.find("kind")));
  if (!counts) {
    if (path.stem() != "_index")
      return {};
    std::string message = "is no file of entries: ";
    if (!root.is_map()) {
      message += "holds " + root.describe();
    } else {
      const char* missing = root.find("namespace") ? "entries" : "namespace";
      message += std::string("has no ") + missing;
      for (const auto& member : root.members())
        if (!nearest(member.key, {missing}).empty())
          message += " (is \"" + member.key + "\" meant?)";
    }
    const int line = root.is_map() && root.line() > 0 ? root.line() : 1;
    mistakes.push_back({shown, line, "", message, "namespace and a list of entries"});
    return {};
  }
  if (file.second_line != 0)
    mistakes.push_back({shown, file.second_line, "",
                        "a second document begins here (---); only the first would be read", ""});
  if (file.unknown_tag_line != 0)
    mistakes.push_back({shown, file.unknown_tag_line, "",
                        "tag \"" + file.unknown_tag + "\" has no meaning here", ""});
  return reader(shown, path, mistakes).read(root, has_list);
}

} // namespace natterjack::runtime
