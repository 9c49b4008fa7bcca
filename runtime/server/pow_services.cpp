#include "runtime/server/pow_services.hpp"

#include "actors/pow/exec_source.hpp"
#include "hub/node.hpp"
#include "runtime/config/kinds/kind_schema.hpp"
#include "runtime/server/lua_job.hpp"
#include "runtime/server/pow_runners.hpp"

#include <nlohmann/json.hpp>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

namespace natterjack::runtime {

namespace {

// Bounded by the services that offer them already.
constexpr size_t lua_jobs_max = 10'000'000;

pow::exec_options to_pow(const pow_exec_entry& from) {
  pow::exec_options to;
  to.name = from.id;
  to.argv = from.argv;
  to.directory = from.directory.string();
  if (from.pass_environment)
    to.pass_environment = *from.pass_environment;
  to.environment = from.environment;
  to.user = from.user;
  to.cpu_seconds = from.cpu_seconds;
  to.memory_bytes = from.memory;
  to.open_files = from.open_files;
  to.file_bytes = from.file_bytes;
  to.wall_clock = from.wall_clock;
  to.grace = from.grace;
  to.lost_grace = from.lost_grace;
  if (from.arguments_min)
    to.arguments_min = *from.arguments_min;
  if (from.arguments_max)
    to.arguments_max = *from.arguments_max;
  to.argument_patterns = from.argument_patterns;
  to.argument_bytes = from.argument_bytes;
  to.error_output = from.errors == exec_errors::merged  ? pow::error_output::merged
                    : from.errors == exec_errors::apart ? pow::error_output::apart
                                                        : pow::error_output::dropped;
  to.interrupt_on_cancel = from.interrupt_on_cancel;
  return to;
}

pow::service_limits to_pow(const pow_limits& from) {
  pow::service_limits to;
  to.jobs = from.jobs;
  to.call_time = from.call_time;
  to.stream.message_bytes = from.message_bytes;
  to.stream.output_bytes = from.output_bytes;
  to.stream.read_time = from.read_time;
  to.stream.ping_interval = from.ping_interval;
  to.stream.write_time = from.write_time;
  to.stream.close_time = from.close_time;
  to.job.input_bytes = from.input_bytes;
  to.job.stop_wait = from.stop_time;
  to.rest.timeout = from.rest_timeout;
  to.rest.sessions = from.rest_sessions;
  to.rest.lines = from.rest_lines;
  to.rest.line_bytes = from.rest_line_bytes;
  to.rest.store_bytes = from.rest_store_bytes;
  to.rest.input_wait = from.rest_input_time;
  to.rest.cancel_wait = from.rest_cancel_time;
  return to;
}

template <class Entry>
const Entry& entry_of(const std::vector<Entry>& all, const std::string& id) {
  return *std::find_if(all.begin(), all.end(), [&id](const Entry& e) { return e.id == id; });
}

// Sources are shared between the services that offer the same entry.
class source_maker {
 public:
  source_maker(const application_options& options, const lua_programs& programs,
               lua::lua_runtime& lua)
      : options_(options), programs_(programs), lua_(lua) {}

  std::shared_ptr<pow::job_source> make(const std::string& id) {
    if (is_built_in_job(id))
      return pow::echo_source();
    auto& made = made_[id];
    if (!made)
      made = programs_.jobs.contains(id)
                 ? make_lua(id)
                 : pow::exec_source(to_pow(entry_of(options_.pow_commands, id)));
    return made;
  }

 private:
  std::shared_ptr<pow::job_source> make_lua(const std::string& id) {
    const auto& entry = entry_of(options_.pow_programs, id);
    auto& where = lua_.node().add_process_host(id, lua_jobs_max);
    return lua_job_source(lua_, where,
                          {make_job_runner(programs_.jobs.at(id)), entry.method, entry.grace});
  }

  const application_options& options_;
  const lua_programs& programs_;
  lua::lua_runtime& lua_;
  std::map<std::string, std::shared_ptr<pow::job_source>> made_;
};

// The request as the function sees it: that of the client, and what is called with it.
std::shared_ptr<const relay::http_request> with_call(const pow::job_request& request,
                                                     const std::string& method) {
  auto seen = request.http ? std::make_shared<relay::http_request>(*request.http)
                           : std::make_shared<relay::http_request>();
  nlohmann::json called{{"method", method}, {"call", request.name}};
  if (request.arguments)
    called["params"] = *request.arguments;
  seen->params.emplace_back(called_parameter,
                            called.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace));
  return seen;
}

// What is no clear yes is a no.
std::optional<std::string> read_refusal(const relay::http_response& response,
                                        const std::string& id) {
  const auto answer = response.status == 200
                          ? nlohmann::json::parse(response.body, nullptr, false)
                          : nlohmann::json();
  if (!answer.is_object() || !answer.contains("allowed")) {
    spdlog::error("{}: gave no decision (status {}); the call is refused", id, response.status);
    return std::string(pow::not_authorized);
  }
  if (answer["allowed"] == true)
    return std::nullopt;
  return answer.value("reason", std::string(pow::not_authorized));
}

pow::authorization authorize_with(std::shared_ptr<lua::function_pool> pool, std::string id,
                                  std::string method) {
  return [pool = std::move(pool), id = std::move(id), method = std::move(method)](
             std::shared_ptr<const pow::job_request> request, pow::authorization_answer answer) {
    pool->call_http(with_call(*request, method),
                    [id, answer = std::move(answer)](relay::http_response response) {
                      answer(read_refusal(response, id));
                    });
  };
}

} // namespace

std::optional<exec_error> check_pow_exec(const pow_exec_entry& entry) {
  try {
    pow::exec_source(to_pow(entry));
    return std::nullopt;
  } catch (const pow::exec_option_error& e) {
    // The library speaks of its options; the file has names of its own for some.
    static const std::map<std::string, std::string> fields{{"arguments_min", "arguments.min"},
                                                           {"arguments_max", "arguments.max"},
                                                           {"argument_patterns",
                                                            "arguments.patterns"}};
    const auto renamed = fields.find(e.option);
    return exec_error{renamed == fields.end() ? e.option : renamed->second, e.problem};
  }
}

pow_services::pow_services(const application_options& options, const lua_programs& programs,
                           lua::lua_runtime& lua, relay::io_pool& threads) {
  source_maker sources(options, programs, lua);
  for (const auto& entry : options.pow_services) {
    pow::service_options wanted;
    wanted.entry_id = entry.id;
    wanted.base_path = entry.base_path;
    wanted.limits = to_pow(entry.limits);
    wanted.websocket = entry.websocket;
    wanted.rest = entry.rest;
    wanted.docs = entry.docs;
    wanted.description = entry.description;
    for (const auto& [name, id] : entry.jobs)
      wanted.jobs.add(name, sources.make(id));
    if (!entry.authorize_id.empty()) {
      const auto& function = entry_of(options.functions, entry.authorize_id);
      auto& pool = pools_[function.id];
      if (!pool) {
        lua::pool_options bounds;
        bounds.workers = function.pool.states;
        bounds.buffer = function.pool.buffer;
        pool = lua::function_pool::make(
            lua, make_authorization_runner(programs.functions.at(function.id)),
            lua.node().host("system:functions"), bounds);
      }
      wanted.authorize = authorize_with(pool, function.id, function.method);
    }
    services_.push_back(
        {entry.server_id, std::make_unique<pow::service>(lua.node(), threads, std::move(wanted))});
  }
}

pow_services::~pow_services() { stop(); }

void pow_services::mount(const std::map<std::string, relay::gateway*>& gateways) {
  for (auto& one : services_)
    one.service->mount(gateways.at(one.server_id)->routes());
}

void pow_services::shut_down() {
  for (auto& one : services_)
    one.service->shut_down();
}

size_t pow_services::jobs() const noexcept {
  size_t sum = 0;
  for (const auto& one : services_)
    sum += one.service->jobs();
  return sum;
}

void pow_services::cancel_all() {
  for (auto& one : services_)
    one.service->cancel_all();
}

void pow_services::kill_all() {
  for (auto& one : services_)
    one.service->kill_all();
}

void pow_services::stop() {
  for (auto& [id, pool] : pools_)
    pool->stop();
}

} // namespace natterjack::runtime
