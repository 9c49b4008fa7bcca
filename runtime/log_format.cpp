#include "runtime/log_format.hpp"

#include "hub/log_fields.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>

namespace natterjack::runtime {

namespace {

// What stands at the beginning of a line, and in no other place at the beginning of one.
constexpr const char* head_pattern = "%Y-%m-%dT%H:%M:%S.%e%z %l ";

// Texts of errors may hold what a client has sent: it must not begin a line of its own, nor tell the
// terminal of who reads anything. Lines behind the first are indented.
void append_plainly(spdlog::string_view_t text, spdlog::memory_buf_t& out) {
  const auto add = [&out](std::string_view bytes) { out.append(bytes.data(), bytes.data() + bytes.size()); };
  constexpr char digits[] = "0123456789abcdef";
  constexpr std::string_view heading = "stack traceback:\n\t"; // of our own
  for (size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool is_c1 = c == 0xc2 && i + 1 < text.size() &&
                       static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                       static_cast<unsigned char>(text[i + 1]) < 0xa0;
    const auto control = is_c1 ? static_cast<unsigned char>(text[++i]) : c;
    if (c == '\n') {
      const auto rest = std::string_view(text.data(), text.size()).substr(i + 1);
      const bool stays = rest.starts_with(' ') || rest.starts_with('\t') || rest.starts_with(heading);
      add(stays ? "\n" : "\n  ");
    } else if (c == '\t' || (c >= 0x20 && c != 0x7f && !is_c1)) {
      out.push_back(static_cast<char>(c));
    } else {
      const char shown[]{'\\', 'x', digits[control >> 4], digits[control & 15]};
      add({shown, sizeof shown});
    }
  }
}

class text_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    head_.format(line, out);
    append_plainly(line.payload, out);
    out.push_back('\n');
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<text_formatter>();
  }

 private:
  spdlog::pattern_formatter head_{head_pattern, spdlog::pattern_time_type::local, ""};
};

class json_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    spdlog::memory_buf_t time;
    time_.format(line, time);
    std::string text = "{\"time\":\"";
    text.append(time.data(), time.size());
    text += "\",\"level\":\"";
    const auto level = spdlog::level::to_string_view(line.level);
    text.append(level.data(), level.size());
    text += '"';
    const auto* about = hub::log_fields::current();
    const auto message = about != nullptr && !about->message.empty()
                             ? about->message
                             : std::string_view(line.payload.data(), line.payload.size());
    member(text, "message", message);
    if (about != nullptr)
      add(text, *about);
    text += "}\n";
    out.append(text.data(), text.data() + text.size());
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<json_formatter>();
  }

 private:
  static void member(std::string& out, std::string_view name, std::string_view value) {
    out.append(",\"").append(name).append("\":");
    out += nlohmann::json(value).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
  }

  static void add(std::string& out, const hub::log_fields& about) {
    // `app:hub (hub.lua):12`: the id alone, and where in its source.
    const auto id_end = about.entry.find(' ');
    if (!about.entry.empty())
      member(out, "entry", about.entry.substr(0, id_end));
    if (id_end != std::string_view::npos)
      member(out, "where", about.entry.substr(id_end + 1));
    if (about.process)
      member(out, "pid", to_string(about.process));
    if (about.connection)
      member(out, "connection", to_string(about.connection));
    if (!about.more.empty())
      out.append(",\"fields\":{").append(about.more).append("}");
  }

  spdlog::pattern_formatter time_{"%Y-%m-%dT%H:%M:%S.%e%z", spdlog::pattern_time_type::local, ""};
};

} // namespace

std::unique_ptr<spdlog::formatter> make_formatter(log_format format) {
  if (format == log_format::json)
    return std::make_unique<json_formatter>();
  return std::make_unique<text_formatter>();
}

} // namespace natterjack::runtime
