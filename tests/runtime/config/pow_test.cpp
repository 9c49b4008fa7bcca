// Process jobs: pow.exec, pow.lua and pow.service as entries.
#include "tests/runtime/config/application_fixture.hpp"

using namespace natterjack::runtime;
using namespace std::chrono_literals;

SCENARIO_METHOD(application_fixture, "jobs and services have the documented defaults",
                "[config][pow]") {
  const auto all = read("  - {name: ls, kind: pow.exec, argv: [ls]}\n"
                        "  - {name: count, kind: pow.lua, source: \"return 1\"}\n"
                        "  - {name: pow, kind: pow.service, jobs: {a: ls, b: count, c: echo}}\n");
  const auto& command = all.pow_commands.at(0);
  CHECK(command.id == "app:ls");
  CHECK(command.argv == std::vector<std::string>{"ls"});
  CHECK(command.directory.lexically_normal() == (folder() / "").lexically_normal());
  CHECK_FALSE(command.pass_environment);
  CHECK_FALSE(command.arguments_min);
  CHECK_FALSE(command.arguments_max);
  CHECK(command.argument_bytes == 4096);
  CHECK(command.errors == exec_errors::merged);
  CHECK(command.cpu_seconds == 0);
  CHECK(command.wall_clock == 0s);
  CHECK(command.memory == 0);
  CHECK(command.file_bytes == 0);
  CHECK(command.open_files == 256);
  CHECK(command.grace == 5s);
  CHECK(command.lost_grace == 500ms);
  CHECK_FALSE(command.interrupt_on_cancel);

  const auto& program = all.pow_programs.at(0);
  CHECK(program.method == "run");
  CHECK(program.limits.memory == 64 << 20);
  CHECK(program.grace == 500ms);

  const auto& service = all.pow_services.at(0);
  CHECK(service.id == "app:pow");
  CHECK(service.server_id == "system:gateway");
  CHECK(service.base_path == "/pow/");
  CHECK(service.jobs == string_map{{"a", "app:ls"}, {"b", "app:count"}, {"c", "echo"}});
  CHECK((service.websocket && service.rest && service.docs));
  CHECK(service.authorize_id.empty());
  const auto& limits = service.limits;
  CHECK(limits.jobs == 10'000);
  CHECK(limits.call_time == 1s);
  CHECK(limits.message_bytes == 2048);
  CHECK(limits.input_bytes == 1 << 20);
  CHECK(limits.output_bytes == 256 << 10);
  CHECK(limits.read_time == 60s);
  CHECK(limits.ping_interval == 54s);
  CHECK(limits.write_time == 10s);
  CHECK(limits.close_time == 3s);
  CHECK(limits.stop_time == 10s);
  CHECK(limits.rest_timeout == 60s);
  CHECK(limits.rest_sessions == 10'000);
  CHECK(limits.rest_lines == 1000);
  CHECK(limits.rest_line_bytes == 1 << 20);
  CHECK(limits.rest_store_bytes == 16 << 20);
  CHECK(limits.rest_input_time == 30s);
  CHECK(limits.rest_cancel_time == 10s);
}

SCENARIO_METHOD(application_fixture, "a command says all it needs", "[config][pow]") {
  const auto command =
      read("  - name: c\n"
           "    kind: pow.exec\n"
           "    argv: [tool, \"{1}\", \"{*}\"]\n"
           "    directory: sub/../work\n"
           "    pass_environment: []\n"
           "    environment: {A: 1, B: two}\n"
           "    user: nobody\n"
           "    arguments: {min: 1, max: 4, patterns: [\"a+\", \".*\"], bytes: 1KiB}\n"
           "    stderr: apart\n"
           "    limits: {cpu: 1500ms, wall_clock: 2s, memory: 64MiB, file_bytes: 1MiB, "
           "open_files: off}\n"
           "    grace: 1s\n"
           "    interrupt_on_cancel: true\n")
          .pow_commands.at(0);
  CHECK(command.argv == std::vector<std::string>{"tool", "{1}", "{*}"});
  CHECK(command.directory == folder() / "work");
  CHECK(command.pass_environment == std::vector<std::string>{});
  CHECK(command.environment == string_map{{"A", "1"}, {"B", "two"}});
  CHECK(command.user == "nobody");
  CHECK(command.arguments_min == 1);
  CHECK(command.arguments_max == 4);
  CHECK(command.argument_patterns == std::vector<std::string>{"a+", ".*"});
  CHECK(command.argument_bytes == 1024);
  CHECK(command.errors == exec_errors::apart);
  CHECK(command.cpu_seconds == 2);
  CHECK(command.wall_clock == 2s);
  CHECK(command.memory == 64 << 20);
  CHECK(command.file_bytes == 1 << 20);
  CHECK(command.open_files == 0);
  CHECK(command.grace == 1s);
  CHECK(command.interrupt_on_cancel);
}

SCENARIO_METHOD(application_fixture, "a service is mounted on the gateway it names",
                "[config][pow]") {
  const std::string gateway = "  - {name: gw, kind: http.service, addr: \":0\"}\n";
  const auto all =
      read(gateway + "  - {name: f, kind: function.lua, source: \"return 1\"}\n" +
           "  - {name: a, kind: pow.service, server: gw, jobs: {echo: echo}, authorize: f, rest: "
           "false, docs: false, description: text, limits: {ping_interval: off}}\n"
           "  - {name: b, kind: pow.service, meta: {server: gw}, base_path: /b, jobs: {e: echo}, "
           "websocket: false}\n");
  CHECK(all.pow_services.at(0).server_id == "app:gw");
  CHECK(all.pow_services.at(0).authorize_id == "app:f");
  CHECK_FALSE(all.pow_services.at(0).rest);
  CHECK_FALSE(all.pow_services.at(0).docs);
  CHECK(all.pow_services.at(0).description == "text");
  CHECK(all.pow_services.at(0).limits.ping_interval == 0s);
  CHECK(all.pow_services.at(1).server_id == "app:gw");
  CHECK(all.pow_services.at(1).base_path == "/b");
  CHECK_FALSE(all.pow_services.at(1).websocket);
  CHECK(all.gateways.size() == 1);
}

SCENARIO_METHOD(application_fixture, "mistakes of job entries are told with their line",
                "[config][pow]") {
  load("  - {name: gw, kind: http.service, addr: \":0\", lifecycle: {auto_start: true}}\n"
       "  - {name: a, kind: pow.exec}\n"
       "  - {name: b, kind: pow.exec, argv: [ls], stderr: merge, limits: {cpu: 1ms}}\n"
       "  - {name: c, kind: pow.service, server: gw, jobs: {x: gw, y: nobody, z: 5}}\n"
       "  - {name: d, kind: pow.service, server: gw, jobs: {}, limits: {rest_timeout: 5s}}\n"
       "  - {name: e, kind: pow.service, server: gw, meta: {server: gw}, base_path: /e, jobs: {x: "
       "echo}}\n"
       "  - {name: g, kind: pow.lua}\n");
  const auto text = said();
  CHECK_THAT(text, contains_text("app/_index.yaml:4: app:a: argv is missing; expected a list of texts"));
  CHECK_THAT(text, contains_text("app/_index.yaml:5: app:b: stderr: found text \"merge\" (did you mean "
                            "\"merged\"?)"));
  CHECK_THAT(text, contains_text("app/_index.yaml:5: app:b: limits.cpu: found"));
  CHECK_THAT(text, contains_text("app/_index.yaml:6: app:c: jobs.x: app:gw is a http.service "
                            "(app/_index.yaml:3); expected the id of an entry of kind one of: "
                            "pow.exec, pow.lua"));
  CHECK_THAT(text, contains_text("app/_index.yaml:6: app:c: jobs.y: there is no entry \"app:nobody\""));
  CHECK_THAT(text, contains_text("app/_index.yaml:6: app:c: jobs.z: found"));
  CHECK_THAT(text, contains_text("app/_index.yaml:7: app:d: jobs: found"));
  CHECK_THAT(text, contains_text("which names no job"));
  CHECK_THAT(text, contains_text("app/_index.yaml:7: app:d: limits.rest_timeout: found"));
  CHECK_THAT(text, contains_text("app/_index.yaml:7: app:d: base_path: /pow/ of app:gw belongs to app:c "
                            "(app/_index.yaml:6)"));
  CHECK_THAT(text, contains_text("app/_index.yaml:8: app:e: server: meta.server names a gateway as well"));
  CHECK_THAT(text, contains_text("app/_index.yaml:9: app:g: source is missing"));
}

SCENARIO_METHOD(application_fixture, "commands are looked at when somebody can", "[config][pow]") {
  std::vector<std::string> seen;
  options.check_exec = [&seen](const pow_exec_entry& e) -> std::optional<exec_error> {
    seen.push_back(e.id);
    if (e.id == "app:a")
      return exec_error{"arguments.max", "too few"};
    return e.id == "app:b" ? std::optional(exec_error{"user", "nobody"}) : std::nullopt;
  };
  load("  - name: a\n"
       "    kind: pow.exec\n"
       "    argv: [ls]\n"
       "    arguments:\n"
       "      max: 0\n"
       "  - {name: b, kind: pow.exec, argv: [ls]}\n"
       "  - {name: c, kind: pow.exec, argv: [ls]}\n"
       "  - {name: d, kind: pow.exec, argv: 5}\n");
  CHECK(seen == std::vector<std::string>{"app:a", "app:b", "app:c"});
  CHECK_THAT(said(), contains_text("app/_index.yaml:7: app:a: arguments.max: too few\n"));
  CHECK_THAT(said(), contains_text("app/_index.yaml:8: app:b: user: nobody\n"));
}
