#include "actors/amqp/python_json.hpp"

#include <random>
#include <unordered_map>
#include <utility>

namespace natterjack::amqp {

namespace {

uint64_t hash_of(std::string_view key) noexcept {
  // Seeded: keys come from outside and must not be made to meet.
  static const uint64_t seed =
      std::random_device{}() * 0x9e3779b97f4a7c15ULL + std::random_device{}();
  uint64_t h = seed;
  for (const char c : key) {
    h = (h ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
    h ^= h >> 29;
  }
  return h;
}

// Writes what the scanner reads. An object with duplicate keys is put together again at its end:
// until then the new values stand behind the old ones.
class writer {
 public:
  writer(std::string& out, const transcode_options& options)
      : out_(out), start_(out.size()), options_(options) {}

  bool on_null() {
    return value([this] { out_ += "null"; });
  }
  bool on_bool(bool b) {
    return value([this, b] { out_ += b ? "true" : "false"; });
  }
  bool on_constant(json_constant what) {
    return value([this, what] {
      const bool exact = options_.numbers == number_style::exact;
      out_ += !exact                            ? "null"
              : what == json_constant::nan      ? "NaN"
              : what == json_constant::infinity ? "Infinity"
                                                : "-Infinity";
    });
  }
  bool on_number(std::string_view text, bool is_integer) {
    return value([this, text, is_integer] {
      append_python_number(out_, text, is_integer, options_.numbers);
    });
  }
  bool on_string(std::string_view inside, bool is_plain) {
    return value([this, inside, is_plain] { append_python_string(out_, inside, is_plain); });
  }

  bool begin_array() { return open('[', false); }
  bool begin_object() { return open('{', true); }
  bool end_array() {
    levels_.pop_back();
    out_ += ']';
    return is_short();
  }

  bool on_key(std::string_view inside, bool is_plain) {
    auto& l = levels_.back();
    end_value(l);
    if (!std::exchange(l.is_empty, false))
      out_ += ", ";
    const auto key_at = out_.size();
    append_python_string(out_, inside, is_plain);
    const auto key_end = out_.size();
    out_ += ": ";
    add_member(l, key_at, key_end);
    return is_short();
  }

  bool end_object() {
    auto& l = levels_.back();
    end_value(l);
    if (l.has_duplicates)
      rebuild(l);
    if (levels_.size() == 1 && options_.top_keys != nullptr)
      for (size_t i = l.first_member; i < members_.size(); ++i)
        options_.top_keys->push_back(unescape_json(std::string_view(out_).substr(
            members_[i].key_at + 1, members_[i].key_end - members_[i].key_at - 2)));
    members_.resize(l.first_member);
    levels_.pop_back();
    out_ += '}';
    return is_short();
  }

 private:
  static constexpr size_t none = static_cast<size_t>(-1);
  static constexpr size_t searched_members_max = 12; // beyond, an index is quicker

  struct member {
    size_t key_at, key_end, value_at, value_end;
    uint64_t hash;
    size_t same_hash; // an earlier member in the index's chain
  };
  struct level {
    bool is_object = false;
    bool is_empty = true;
    bool has_duplicates = false;
    size_t inside_at = 0;      // behind the bracket
    size_t first_member = 0;   // in members_
    size_t open_member = none; // whose value is being written
    std::unordered_map<uint64_t, size_t> index;
  };

  template <class Put> bool value(Put&& put) {
    begin_element();
    put();
    return is_short();
  }

  void begin_element() {
    if (levels_.empty() || levels_.back().is_object)
      return;
    if (!std::exchange(levels_.back().is_empty, false))
      out_ += ", ";
  }

  bool open(char bracket, bool is_object) {
    begin_element();
    out_ += bracket;
    auto& l = levels_.emplace_back();
    l.is_object = is_object;
    l.inside_at = out_.size();
    l.first_member = members_.size();
    return is_short();
  }

  bool is_short() const noexcept { return out_.size() - start_ <= options_.bytes_max; }

  void end_value(level& l) noexcept {
    if (l.open_member != none)
      members_[l.open_member].value_end = out_.size();
    l.open_member = none;
  }

  std::string_view key_of(const member& m) const noexcept {
    return std::string_view(out_).substr(m.key_at, m.key_end - m.key_at);
  }

  void add_member(level& l, size_t key_at, size_t key_end) {
    member made{key_at, key_end, out_.size(), out_.size(), 0, none};
    const auto key = key_of(made);
    const auto count = members_.size() - l.first_member;
    size_t known = none;
    if (count < searched_members_max) {
      for (size_t i = l.first_member; i < members_.size() && known == none; ++i)
        if (key_of(members_[i]) == key)
          known = i;
    } else {
      if (l.index.empty())
        for (size_t i = l.first_member; i < members_.size(); ++i)
          enter(l, i, hash_of(key_of(members_[i])));
      made.hash = hash_of(key);
      auto i = l.index.find(made.hash);
      for (size_t at = i == l.index.end() ? none : i->second; at != none;
           at = members_[at].same_hash)
        if (key_of(members_[at]) == key)
          known = at;
    }
    if (known != none) {
      l.has_duplicates = true;
      members_[known].value_at = made.value_at;
      l.open_member = known;
      return;
    }
    members_.push_back(made);
    l.open_member = members_.size() - 1;
    if (!l.index.empty())
      enter(l, l.open_member, made.hash);
  }

  void enter(level& l, size_t number, uint64_t hash) {
    members_[number].hash = hash;
    auto [i, is_new] = l.index.try_emplace(hash, number);
    members_[number].same_hash = is_new ? none : i->second;
    i->second = number;
  }

  void rebuild(const level& l) {
    std::string inside;
    for (size_t i = l.first_member; i < members_.size(); ++i) {
      auto& m = members_[i];
      if (i != l.first_member)
        inside += ", ";
      const auto key_at = l.inside_at + inside.size();
      inside += key_of(m);
      inside += ": ";
      inside.append(out_, m.value_at, m.value_end - m.value_at);
      m.key_end = key_at + (m.key_end - m.key_at); // still asked for by top_keys
      rebuilt_.push_back(key_at);
    }
    out_.resize(l.inside_at);
    out_ += inside;
    for (size_t i = l.first_member; i < members_.size(); ++i)
      members_[i].key_at = rebuilt_[i - l.first_member];
    rebuilt_.clear();
  }

  std::string& out_;
  size_t start_;
  const transcode_options& options_;
  std::vector<level> levels_;
  std::vector<member> members_;
  std::vector<size_t> rebuilt_;
};

} // namespace

json_error transcode_json(std::string_view text, std::string& out,
                          const transcode_options& options) {
  const auto start = out.size();
  writer sink(out, options);
  auto error = scan_json(text, sink, options.depth_max);
  if (error)
    out.resize(start);
  return error;
}

} // namespace natterjack::amqp
