#include "runtime/admin/process_table.hpp"

#include <algorithm>
#include <unordered_map>

namespace natterjack::runtime {

std::vector<process_row> read_processes(hub::node& node, bool with_names) {
  const auto now = std::chrono::steady_clock::now();
  std::unordered_map<uint64_t, std::vector<std::string>> names;
  if (with_names)
    for (auto& [name, owner] : node.names().all())
      names[owner.number()].push_back(name);
  std::vector<process_row> rows;
  for (const auto& process : node.processes().all()) {
    process_row row;
    row.id = process.self->id();
    row.facts = process.self->facts();
    if (row.facts.entry.empty())
      row.facts.entry = row.id.where()->host;
    row.outbox_bytes = process.self->outbox_bytes();
    row.uptime = now - process.self->born();
    if (auto found = names.find(row.id.number()); found != names.end())
      row.names = std::move(found->second);
    rows.push_back(std::move(row));
  }
  std::sort(rows.begin(), rows.end(),
            [](const process_row& a, const process_row& b) { return a.id.number() < b.id.number(); });
  return rows;
}

} // namespace natterjack::runtime
