#include "runtime/server/service_states.hpp"

#include "runtime/lua/shared/supervisor_view.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>

namespace natterjack::runtime {

namespace {

using json = nlohmann::json;

json state_of(const service_group::row& row) {
  const auto& status = row.status;
  const bool is_wanted =
      status.state != service_state::stopped && status.state != service_state::exited;
  json state{
      {"id", row.id},
      {"status", status.state == service_state::waiting ? "failed" : to_string(status.state)},
      {"desired", is_wanted ? "running" : "stopped"},
      {"retry_count", status.failures}};
  if (status.process)
    state["pid"] = to_string(status.process);
  if (!status.last_error.empty())
    state["details"] = status.last_error;
  return state;
}

// In the order of the start; what is no service runs as long as the program does.
json all_states(const service_group& group, const std::vector<std::string>& start_order) {
  auto all = json::array();
  const auto rows = group.rows();
  for (const auto& id : start_order)
    if (std::none_of(rows.begin(), rows.end(), [&id](const auto& row) { return row.id == id; }))
      all.push_back(
          {{"id", id}, {"status", "running"}, {"desired", "running"}, {"retry_count", 0}});
  for (const auto& row : rows)
    all.push_back(state_of(row));
  return all;
}

hub::payload to_payload(const json& value) {
  return hub::payload::json(value.dump(-1, ' ', false, json::error_handler_t::replace));
}

} // namespace

void show_services(const service_group& group, const application_options& options,
                   lua::services& to) {
  auto& view = to.of<lua::supervisor_view>();
  const auto* order = &options.start_order;
  view.states = [&group, order] {
    return to_payload(all_states(group, *order));
  };
  view.state = [&group, order](const std::string& id) {
    for (const auto& state : all_states(group, *order))
      if (state["id"] == id)
        return to_payload(state);
    return hub::payload{};
  };
}

} // namespace natterjack::runtime
