#include "runtime/log_format.hpp"

#include "hub/log_fields.hpp"
#include "hub/text.hpp"
#include "runtime/log_traceback.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>

#include <algorithm>

namespace natterjack::runtime {

namespace {

// What stands at the beginning of a line, and in no other place at the beginning of one.
constexpr const char* head_pattern = "%Y-%m-%dT%H:%M:%S.%e%z %l ";
// Nor does anything but a traceback that was said to be one begin a line with this.
constexpr std::string_view trace_heading = "stack traceback:";

// Of a line; as JSON of each text in it, before that is escaped.
constexpr size_t line_bytes_max = 16 * 1024 - 1;
constexpr size_t trace_bytes_max = 8 * 1024; // of these, for a traceback
constexpr size_t mark_bytes_max = 40;        // room for `cut_mark`

std::string cut_mark(size_t bytes) { return " ... (" + std::to_string(bytes) + " bytes, cut)"; }

// Texts of errors may hold what a client has sent: it must not begin a line of its own, nor tell the
// terminal of who reads anything. Lines behind the first are indented.
// @returns how many bytes of the text have found room; characters are not cut in two
size_t append_plainly(std::string_view text, size_t room, spdlog::memory_buf_t& out) {
  const size_t end = out.size() + room;
  const auto add = [&out, end](std::string_view bytes) {
    if (out.size() + bytes.size() > end)
      return false;
    out.append(bytes.data(), bytes.data() + bytes.size());
    return true;
  };
  constexpr char digits[] = "0123456789abcdef";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto begin = i;
    const auto c = static_cast<unsigned char>(text[i]);
    const bool is_c1 = c == 0xc2 && i + 1 < text.size() &&
                       static_cast<unsigned char>(text[i + 1]) >= 0x80 &&
                       static_cast<unsigned char>(text[i + 1]) < 0xa0;
    const auto control = is_c1 ? static_cast<unsigned char>(text[++i]) : c;
    bool fits = false;
    if (c == '\n') {
      const auto rest = text.substr(i + 1);
      fits = add(rest.starts_with(' ') || rest.starts_with('\t') ? "\n" : "\n  ");
    } else if (c == '\t' || (c >= 0x20 && c != 0x7f && !is_c1)) {
      constexpr size_t character_max = 4;
      fits = (c < 0xc0 || out.size() + character_max <= end) && add({&text[i], 1});
    } else {
      const char shown[]{'\\', 'x', digits[control >> 4], digits[control & 15]};
      fits = add({shown, sizeof shown});
    }
    if (!fits)
      return begin;
  }
  return text.size();
}

void append_cut(std::string_view text, size_t room, spdlog::memory_buf_t& out) {
  if (append_plainly(text, room - std::min(room, mark_bytes_max), out) == text.size())
    return;
  const auto mark = cut_mark(text.size());
  out.append(mark.data(), mark.data() + mark.size());
}

class text_formatter final : public spdlog::formatter {
 public:
  void format(const spdlog::details::log_msg& line, spdlog::memory_buf_t& out) override {
    const size_t begin = out.size();
    head_.format(line, out);
    std::string_view text(line.payload.data(), line.payload.size());
    const auto trace = log_traceback::split(text);
    const size_t kept = trace.empty() ? 0 : std::min(trace.size() + 2 * mark_bytes_max, trace_bytes_max);
    append_cut(text, line_bytes_max - kept - (out.size() - begin), out);
    if (!trace.empty()) {
      const std::string_view behind = trace.starts_with(trace_heading) ? "\n" : "\n  ";
      out.append(behind.data(), behind.data() + behind.size());
      append_cut(trace, line_bytes_max - (out.size() - begin), out);
    }
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
    auto message = about != nullptr && !about->message.empty()
                       ? about->message
                       : std::string_view(line.payload.data(), line.payload.size());
    const auto trace = log_traceback::split(message);
    member(text, "message", message);
    if (!trace.empty())
      member(text, "traceback", trace);
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
    std::string cut;
    if (value.size() > line_bytes_max) {
      cut.append(hub::beginning_of(value, line_bytes_max - mark_bytes_max))
          .append(cut_mark(value.size()));
      value = cut;
    }
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
