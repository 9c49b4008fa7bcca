#include "runtime/log_format.hpp"

#include "hub/log_fields.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/pattern_formatter.h>

namespace natterjack::runtime {

namespace {

constexpr const char* text_pattern = "%Y-%m-%dT%H:%M:%S.%e%z %l %v";

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
  return std::make_unique<spdlog::pattern_formatter>(text_pattern);
}

} // namespace natterjack::runtime
