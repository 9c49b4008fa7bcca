#include "relay/websocket/client_description.hpp"

#include "hub/quantities.hpp"
#include "relay/frame.hpp"

namespace natterjack::relay {

std::string describe_client(const hub::pid& client, std::string_view metadata,
                            hub::relay_dialect dialect, const client_uptime* uptime) {
  std::string pid_text;
  append_json_string(pid_text, to_string(client));
  const auto lasted = uptime ? hub::format_duration(uptime->since_open) : std::string();
  const auto count = uptime ? std::to_string(uptime->messages) : std::string();

  std::string result = R"({"client_pid":)" + pid_text;
  if (uptime)
    result += R"(,"uptime":")" + lasted + R"(","message_count":)" + count;
  if (dialect == hub::relay_dialect::table) {
    if (!metadata.empty())
      result.append(R"(,"metadata":)").append(metadata);
    return result += '}';
  }
  if (metadata.empty())
    metadata = "{}";
  result.append(R"(,"metadata":)").append(metadata).append(R"(,"ClientPID":)").append(pid_text);
  if (uptime)
    result += R"(,"Uptime":")" + lasted + R"(","MessageCount":)" + count;
  result.append(R"(,"Metadata":)").append(metadata);
  return result += '}';
}

} // namespace natterjack::relay
