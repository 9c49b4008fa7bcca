#include "runtime/config/options/http_options.hpp"

#include "runtime/config/checks/gateway_check.hpp"
#include "runtime/config/options/field_reader.hpp"
#include "runtime/config/options/static_folder.hpp"
#include "runtime/config/url_pattern.hpp"

#include <algorithm>
#include <stdexcept>

namespace natterjack::runtime {

namespace {

constexpr std::pair<std::string_view, relay::outbox_policy> outbox_policies[]{
    {"close", relay::outbox_policy::close},
    {"drop_oldest", relay::outbox_policy::drop_oldest},
    {"drop_newest", relay::outbox_policy::drop_newest},
};

const entry& needed(const application& app, const std::string& id) {
  const auto* found = app.find(id);
  if (!found)
    throw std::logic_error("no entry " + id);
  return *found;
}

} // namespace

http_service_entry read_http_service(const application&, const entry& e) {
  const field_reader fields(e);
  http_service_entry made;
  made.id = e.id;
  made.implicit = e.implicit;
  made.address = *parse_address(fields.text("addr"));
  made.lifecycle = read_lifecycle(fields);
  // The older `timeouts` fill in where `limits` say nothing.
  auto time = [&fields](const char* path, const char* older) {
    return fields.time(fields.says(path) || !fields.says(older) ? path : older);
  };
  auto& limits = made.limits;
  limits.inbound_messages = fields.count("limits.inbound_messages");
  limits.inbound_bytes = fields.bytes("limits.inbound_bytes");
  limits.outbox_soft_bytes = fields.bytes("limits.outbox_soft_bytes");
  limits.outbox_soft_time = fields.time("limits.outbox_soft_time");
  limits.outbox_policy = value_of_word(outbox_policies, fields.text("limits.outbox_policy"));
  limits.message_bytes = fields.bytes("limits.message_bytes");
  limits.outbox_hard_bytes = std::max({fields.bytes("limits.outbox_hard_bytes"),
                                       2 * limits.message_bytes, limits.outbox_soft_bytes});
  limits.head_timeout = time("limits.head_timeout", "timeouts.read");
  limits.head_bytes = fields.bytes("limits.head_bytes");
  limits.header_count = fields.count("limits.header_count");
  limits.body_timeout = time("limits.body_timeout", "timeouts.read");
  limits.body_bytes = fields.bytes("limits.body_bytes");
  limits.idle_timeout = time("limits.idle_timeout", "timeouts.idle");
  limits.pipelined_requests = fields.count("limits.pipelined_requests");
  limits.ping_interval = fields.time("limits.ping_interval");
  limits.ping_missed = fields.count("limits.ping_missed");
  limits.connections = fields.count("limits.connections");
  limits.connections_per_address = fields.count("limits.connections_per_address");
  limits.strict_close_codes = fields.flag("limits.strict_close_codes");
  const auto mode = fields.says("tls.mode") ? fields.text("tls.mode") : std::string();
  if (mode == "manual" || mode == "auto") {
    made.tls = http_tls{mode == "auto", "", "", pem_or_path(e, "tls.client_ca"),
                        fields.text("tls.client_auth")};
    if (mode == "manual") {
      made.tls->cert = pem_or_path(e, "tls.cert");
      made.tls->key = pem_or_path(e, "tls.key");
    }
  }
  return made;
}

router_entry read_router(const application&, const entry& e) {
  const field_reader fields(e);
  return {
      .id = e.id,
      .server_id = fields.id("meta.server"),
      .prefix = join_path(fields.text("prefix"), ""),
      .middleware = fields.texts("middleware"),
      .options = fields.text_map("options"),
      .post_middleware = fields.texts("post_middleware"),
      .post_options = fields.text_map("post_options"),
      .implicit = e.implicit,
  };
}

endpoint_entry read_endpoint(const application& app, const entry& e) {
  const field_reader fields(e);
  endpoint_entry made;
  made.id = e.id;
  made.router_id = fields.id("meta.router");
  made.method = fields.text("method");
  made.path = fields.text("path");
  made.full_path = join_path(field_reader(needed(app, made.router_id)).text("prefix"), made.path);
  made.function_id = fields.id("func");
  made.guide_dialect = e.guide_dialect;
  made.place = place_of(e);
  return made;
}

static_entry read_static(const application& app, const entry& e) {
  const field_reader fields(e);
  static_entry made;
  made.id = e.id;
  made.server_id = fields.id("meta.server");
  made.path = fields.text("path");
  made.directory = folder_of(app, e, needed(app, fields.id("fs")));
  auto option = [&](const char* name) {
    const auto* value = static_option(e, name);
    return value ? plain_text(*value) : fields.text(std::string("static_options.") + name);
  };
  made.spa = option("spa") == "true";
  made.index = option("index");
  made.cache = option("cache");
  made.middleware = fields.texts("middleware");
  if (const auto* types = static_option(e, "mime_types"))
    for (const auto& one : types->members())
      made.media_types[one.key.starts_with('.') ? one.key : '.' + one.key] = plain_text(one.value);
  made.options = fields.text_map("options");
  std::erase_if(made.options, [](const auto& one) { return is_static_option(one.first); });
  return made;
}

} // namespace natterjack::runtime
