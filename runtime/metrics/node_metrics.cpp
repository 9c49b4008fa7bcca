#include "runtime/metrics/node_metrics.hpp"

#include "relay/close_counts.hpp"
#include "runtime/admin/process_table.hpp"
#include "runtime/lua/lua_runtime.hpp"
#include "runtime/metrics/exposition.hpp"
#include "runtime/metrics/program_metrics.hpp"

#include <map>
#include <tuple>

namespace natterjack::runtime {

namespace {

using hub::counter;

constexpr const char* gauge = "gauge";
constexpr const char* total_of = "counter";

struct process_sum {
  uint64_t processes = 0;
  uint64_t memory = 0;
  uint64_t mailbox = 0;
  uint64_t mailbox_max = 0;
  uint64_t outbox = 0;
  uint64_t outbox_max = 0;
  uint64_t messages = 0;
  uint64_t busy_ns = 0;
};

using kind_and_entry = std::pair<std::string, std::string>;
using process_sums = std::map<kind_and_entry, process_sum>;

process_sums sum_up(hub::node& node) {
  process_sums sums;
  for (const auto& row : read_processes(node, false)) {
    auto& sum = sums[{std::string(row.facts.kind), row.facts.entry}];
    ++sum.processes;
    sum.memory += row.facts.memory;
    sum.mailbox += row.facts.mailbox;
    sum.mailbox_max = std::max(sum.mailbox_max, row.facts.mailbox);
    sum.outbox += row.outbox_bytes;
    sum.outbox_max = std::max(sum.outbox_max, row.outbox_bytes);
    sum.messages += row.facts.messages;
    sum.busy_ns += row.facts.busy_ns;
  }
  return sums;
}

void write_gateways(exposition& out, const node_numbers& numbers) {
  out.family("natterjack_gateway_connections", gauge, "Open sockets, HTTP and websocket");
  for (const auto& g : numbers.gateways)
    out.sample({{"gateway", g.id}}, g.open);
  out.family("natterjack_gateway_accepted_total", total_of, "Sockets accepted");
  for (const auto& g : numbers.gateways)
    out.sample({{"gateway", g.id}}, g.accepted);
  out.family("natterjack_gateway_refused_total", total_of, "Sockets refused, by the limit reached");
  for (const auto& g : numbers.gateways) {
    out.sample({{"gateway", g.id}, {"limit", "connections"}}, g.refused_full);
    out.sample({{"gateway", g.id}, {"limit", "connections_per_address"}}, g.refused_address);
  }
  out.single("natterjack_accept_pauses_total", total_of,
             "Times accepting paused for want of descriptors or memory",
             hub::total(counter::accept_pauses));
  out.single("natterjack_http_requests_total", total_of, "HTTP requests read",
             hub::total(counter::http_requests));
  out.family("natterjack_http_responses_total", total_of, "HTTP responses by class of status");
  const std::pair<const char*, counter> classes[]{{"1xx", counter::responses_1xx},
                                                  {"2xx", counter::responses_2xx},
                                                  {"3xx", counter::responses_3xx},
                                                  {"4xx", counter::responses_4xx},
                                                  {"5xx", counter::responses_5xx}};
  for (const auto& [name, what] : classes)
    out.sample({{"class", name}}, hub::total(what));
}

void write_websockets(exposition& out, const process_sums& sums, const node_numbers& numbers) {
  auto each_gateway = [&out, &sums, &numbers](const char* name, const char* help,
                                              uint64_t process_sum::*what) {
    out.family(name, gauge, help);
    for (const auto& g : numbers.gateways) {
      const auto found = sums.find({"connection", g.id});
      out.sample({{"gateway", g.id}}, found == sums.end() ? uint64_t{0} : found->second.*what);
    }
  };
  each_gateway("natterjack_websocket_connections", "Websocket connections open",
               &process_sum::processes);
  out.single("natterjack_websocket_opened_total", total_of, "Websocket connections opened",
             hub::total(counter::connections_opened));
  out.family("natterjack_websocket_closed_total", total_of,
             "Websocket connections ended, by cause and close code");
  for (const auto& [key, count] : relay::close_counts())
    out.sample({{"cause", key.first}, {"code", key.second}}, count);
  const std::tuple<const char*, const char*, counter> plain[]{
      {"natterjack_websocket_received_messages_total", "Messages from websocket clients",
       counter::messages_in},
      {"natterjack_websocket_received_bytes_total", "Bytes of messages from websocket clients",
       counter::bytes_in},
      {"natterjack_websocket_sent_messages_total", "Messages queued for websocket clients",
       counter::messages_out},
      {"natterjack_websocket_sent_bytes_total", "Bytes of frames queued for websocket clients",
       counter::bytes_out},
      {"natterjack_outbox_dropped_total", "Messages for clients thrown away by outbox_policy",
       counter::outbox_dropped},
      {"natterjack_websocket_held_total", "Times a connection waited for its target to come back",
       counter::connections_held},
  };
  for (const auto& [name, help, what] : plain)
    out.single(name, total_of, help, hub::total(what));
  out.family("natterjack_reading_paused_total", total_of,
             "Times a client was not read from: its hub owes credit, or it does not read itself");
  out.sample({{"cause", "credit"}}, hub::total(counter::paused_inbound));
  out.sample({{"cause", "outbox"}}, hub::total(counter::paused_outbox));
  each_gateway("natterjack_outbox_bytes", "Bytes queued for the clients of a gateway",
               &process_sum::outbox);
  each_gateway("natterjack_outbox_bytes_max", "The same for the client with the most",
               &process_sum::outbox_max);
}

void write_processes(exposition& out, const process_sums& sums, const lua::lua_runtime& lua) {
  auto each = [&out, &sums](const char* name, const char* help, uint64_t process_sum::*what) {
    out.family(name, gauge, help);
    for (const auto& [key, sum] : sums)
      out.sample({{"kind", key.first}, {"entry", key.second}}, sum.*what);
  };
  each("natterjack_processes", "Processes alive", &process_sum::processes);
  each("natterjack_process_memory_bytes", "Memory of Lua states", &process_sum::memory);
  each("natterjack_mailbox_messages", "Messages that wait", &process_sum::mailbox);
  each("natterjack_mailbox_messages_max", "Messages that wait for the process with the most",
       &process_sum::mailbox_max);
  out.single("natterjack_processes_spawned_total", total_of, "Lua processes started",
             hub::total(counter::processes_spawned));
  // What ended processes have done, and what those alive have done so far.
  auto totals = lua.ended_totals();
  for (const auto& [key, sum] : sums) {
    if (sum.busy_ns == 0 && sum.messages == 0)
      continue;
    if (key.first == "connection")
      continue;
    auto& t = totals[key.second];
    t.messages += sum.messages;
    t.busy_ns += sum.busy_ns;
  }
  out.family("natterjack_processes_ended_total", total_of, "Lua processes ended, by outcome");
  for (const auto& [entry, t] : totals) {
    out.sample({{"entry", entry}, {"outcome", "done"}}, t.ended - t.failed);
    out.sample({{"entry", entry}, {"outcome", "failed"}}, t.failed);
  }
  out.family("natterjack_process_messages_total", total_of, "Messages taken by processes");
  for (const auto& [entry, t] : totals)
    out.sample({{"entry", entry}}, t.messages);
  out.family("natterjack_process_busy_seconds_total", total_of, "Time processes have run");
  for (const auto& [entry, t] : totals)
    out.sample({{"entry", entry}}, static_cast<double>(t.busy_ns) / 1e9);
  out.family("natterjack_hub_handling_seconds", "histogram",
             "Time of a process for one message: its turn, divided by the messages it took");
  out.seconds(hub::total(hub::series::handling));
}

void write_scheduler(exposition& out, const node_numbers& numbers) {
  out.family("natterjack_scheduler_delay_seconds", "histogram",
             "How late a process that was due ran, looked at once a second");
  out.seconds(hub::total(hub::series::scheduler_delay));
  out.single("natterjack_turns_total", total_of, "Turns of Lua processes",
             hub::total(counter::slices));
  out.single("natterjack_turns_cut_total", total_of,
             "Turns that were cut because others wanted theirs", hub::total(counter::slices_cut));
  out.family("natterjack_threads", gauge, "Threads of each kind");
  out.sample({{"kind", "io"}}, uint64_t{numbers.io_threads});
  out.sample({{"kind", "hub"}}, uint64_t{numbers.hub_threads});
}

void write_services(exposition& out, const node_numbers& numbers) {
  out.family("natterjack_service_up", gauge, "1 while the service runs and has started");
  for (const auto& s : numbers.services)
    out.sample({{"service", s.id}, {"startup", s.required ? "required" : "optional"}},
               uint64_t{s.state == "running"});
  out.family("natterjack_service_starts_total", total_of, "Times a service's process was started");
  for (const auto& s : numbers.services)
    out.sample({{"service", s.id}}, s.starts);
  out.family("natterjack_service_failures_total", total_of, "Times it ended by an error");
  for (const auto& s : numbers.services)
    out.sample({{"service", s.id}}, s.failures);
  out.family("natterjack_host_processes", gauge, "Processes on a process.host");
  for (const auto& h : numbers.hosts)
    out.sample({{"host", h.id}}, h.processes);
  out.family("natterjack_host_processes_limit", gauge, "Its max_processes");
  for (const auto& h : numbers.hosts)
    out.sample({{"host", h.id}}, h.max_processes);
}

void write_limits(exposition& out, const node_numbers& numbers) {
  uint64_t full = 0;
  uint64_t address = 0;
  for (const auto& g : numbers.gateways) {
    full += g.refused_full;
    address += g.refused_address;
  }
  out.family("natterjack_limit_reached_total", total_of, "Times a bound was reached, by its name");
  for (size_t i = 0; i < hub::counter_count; ++i) {
    const auto what = static_cast<counter>(i);
    const auto name = hub::limit_name(what);
    if (name.empty())
      continue;
    auto value = hub::total(what);
    if (what == counter::limit_connections)
      value += full;
    else if (what == counter::limit_connections_per_address)
      value += address;
    out.sample({{"limit", name}}, value);
  }
  // Under these names they are set; what reaches them has another one.
  out.sample({{"limit", "outbox_soft_time"}}, hub::total(counter::limit_outbox_soft_bytes));
  out.sample({{"limit", "slice"}}, hub::total(counter::slices_cut));
}

void write_node(exposition& out, hub::node& node, const node_numbers& numbers) {
  out.family("natterjack_build_info", gauge, "Version and name of this node");
  out.sample({{"version", numbers.version}, {"node", node.name()}}, uint64_t{1});
  out.single("natterjack_ready", gauge, "1 while /readyz answers 200", uint64_t{numbers.ready});
  out.single("natterjack_draining", gauge, "1 once a shutdown has begun",
             uint64_t{numbers.draining});
  out.single("natterjack_print_lines_dropped_total", total_of,
             "Lines of print that nobody read from standard output", numbers.print_lines_dropped);
  out.family("natterjack_reloads_total", total_of, "Reloads asked for, by result");
  out.sample({{"result", "done"}}, numbers.reloads - numbers.reloads_failed);
  out.sample({{"result", "failed"}}, numbers.reloads_failed);
}

} // namespace

std::string render_metrics(hub::node& node, const lua::lua_runtime& lua,
                           const node_numbers& numbers) {
  exposition out;
  const auto sums = sum_up(node);
  write_node(out, node, numbers);
  write_gateways(out, numbers);
  write_websockets(out, sums, numbers);
  write_processes(out, sums, lua);
  write_scheduler(out, numbers);
  write_services(out, numbers);
  write_limits(out, numbers);
  write_program(out);
  return out.text();
}

} // namespace natterjack::runtime
