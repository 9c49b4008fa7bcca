#include "runtime/admin/process_list.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <vector>

namespace natterjack::runtime {

namespace {

using json = nlohmann::json;

std::string short_bytes(double bytes) {
  constexpr std::array units{"B", "KiB", "MiB", "GiB"};
  size_t unit = 0;
  for (; bytes >= 1024 && unit + 1 < units.size(); ++unit)
    bytes /= 1024;
  char text[32];
  std::snprintf(text, sizeof text, unit == 0 ? "%.0f %s" : "%.1f %s", bytes, units[unit]);
  return text;
}

std::string short_time(double seconds) {
  char text[32];
  if (seconds < 60)
    std::snprintf(text, sizeof text, "%.1fs", seconds);
  else if (seconds < 3600)
    std::snprintf(text, sizeof text, "%dm%02ds", static_cast<int>(seconds) / 60,
                  static_cast<int>(seconds) % 60);
  else
    std::snprintf(text, sizeof text, "%dh%02dm", static_cast<int>(seconds) / 3600,
                  static_cast<int>(seconds) / 60 % 60);
  return text;
}

std::string join(const json& names) {
  std::string text;
  for (const auto& name : names)
    text += (text.empty() ? "" : ",") + name.get<std::string>();
  return text;
}

bool fits(const json& row, const std::string& filter) {
  if (filter.empty() || join(row["names"]).find(filter) != std::string::npos)
    return true;
  for (const char* field : {"pid", "entry", "kind"})
    if (row.value(field, "").find(filter) != std::string::npos)
      return true;
  return false;
}

// Columns as wide as their longest cell; numbers on the right.
std::string table(const std::vector<std::vector<std::string>>& lines,
                  const std::vector<bool>& is_number) {
  std::vector<size_t> widths(is_number.size(), 0);
  for (const auto& line : lines)
    for (size_t i = 0; i < line.size(); ++i)
      widths[i] = std::max(widths[i], line[i].size());
  std::string out;
  for (const auto& line : lines) {
    std::string text;
    for (size_t i = 0; i < line.size(); ++i) {
      const std::string gap(widths[i] - line[i].size(), ' ');
      text += (i == 0 ? "" : "  ") + (is_number[i] ? gap + line[i] : line[i] + gap);
    }
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + '\n';
  }
  return out;
}

double sum(const json& answer, const char* field) {
  double total = 0;
  for (const auto& row : answer["processes"])
    total += row.value(field, 0.0);
  return total;
}

} // namespace

std::string show_processes(const json& answer, const list_wishes& wishes) {
  std::vector<const json*> rows;
  for (const auto& row : answer["processes"])
    if (fits(row, wishes.filter))
      rows.push_back(&row);
  if (wishes.sort != "pid") {
    const std::string field = wishes.sort == "busy"     ? "busy_ns"
                              : wishes.sort == "uptime" ? "uptime_s"
                                                        : wishes.sort;
    std::stable_sort(rows.begin(), rows.end(), [&field](const json* a, const json* b) {
      return a->value(field, 0.0) > b->value(field, 0.0);
    });
  }
  std::vector<std::vector<std::string>> lines{
      {"PID", "NAME", "ENTRY", "KIND", "MAILBOX", "MEMORY", "OUTBOX", "UPTIME", "MESSAGES"}};
  for (const auto* row : rows) {
    if (wishes.rows != 0 && lines.size() > wishes.rows)
      break;
    const auto memory = row->value("memory", 0.0);
    const auto outbox = row->value("outbox", 0.0);
    lines.push_back({row->value("pid", ""), join((*row)["names"]), row->value("entry", ""),
                     row->value("kind", ""), std::to_string(row->value("mailbox", uint64_t{0})),
                     memory > 0 ? short_bytes(memory) : "-", outbox > 0 ? short_bytes(outbox) : "-",
                     short_time(row->value("uptime_s", 0.0)),
                     std::to_string(row->value("messages", uint64_t{0}))});
  }
  auto out = table(lines, {false, false, false, false, true, true, true, true, true});
  if (lines.size() - 1 < rows.size())
    out += "... and " + std::to_string(rows.size() - lines.size() + 1) + " more\n";
  return out;
}

std::string show_summary(const json& answer, const json& before) {
  std::string out = answer.value("node", "") + " " + answer.value("version", "") + ", " +
                    answer.value("state", "") + ", up " + short_time(answer.value("uptime_s", 0.0)) +
                    ", process " + std::to_string(answer.value("process", 0)) + ", " +
                    answer.value("folder", "") + "\n";
  out += std::to_string(answer["processes"].size()) +
         (answer["processes"].size() == 1 ? " process, " : " processes, ") +
         short_bytes(sum(answer, "memory")) + " in Lua, " +
         std::to_string(static_cast<uint64_t>(sum(answer, "mailbox"))) + " messages waiting";
  if (before.is_object()) {
    const auto seconds = answer.value("uptime_s", 0.0) - before.value("uptime_s", 0.0);
    const auto messages = sum(answer, "messages") - sum(before, "messages");
    const auto busy = (sum(answer, "busy_ns") - sum(before, "busy_ns")) / 1e9;
    char text[80];
    if (seconds > 0) {
      std::snprintf(text, sizeof text, ", %.0f messages/s, hubs %.1f %% of a core",
                    std::max(messages, 0.0) / seconds, std::max(busy, 0.0) / seconds * 100);
      out += text;
    }
  }
  out += "\n";
  for (const auto& service : answer.value("services", json::array()))
    if (service.value("state", "") != "running" && service.value("state", "") != "exited")
      out += service.value("id", "") + " is " + service.value("state", "") + ": " +
             service.value("error", "") + "\n";
  return out + "\n";
}

} // namespace natterjack::runtime
